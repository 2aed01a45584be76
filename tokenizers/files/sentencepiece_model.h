// SentencePiece `.model` files as data. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_SENTENCEPIECE_MODEL_H_
#define GRAFT_TOKENIZERS_FILES_SENTENCEPIECE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tokenizers/vocabulary.h"

namespace graft {

// What a piece is for; numbers of the file.
enum class SentencePieceType : uint8_t {
  kNormal = 1,
  kUnknown = 2,      // stands for characters that no piece has
  kControl = 3,      // <s>, </s>: never in a text's tokens
  kUserDefined = 4,  // kept whole wherever it stands
  kUnused = 5,       // never a token; a BPE model merges through it
  kByte = 6,         // <0x00> ... <0xFF>: the bytes of unknown characters
};

// How text is normalized.
struct SentencePieceNormalizer {
  // Replacements of characters, checked by CheckCharsmap; empty when there are none.
  std::string charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;  // a space becomes U+2581
};

// What a `.model` file says that matters after training. The format is SentencePiece's
// sentencepiece_model.proto; defaults are those of that file.
struct SentencePieceModel {
  enum class Kind { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  SentencePieceModel(std::string path, Vocabulary the_pieces)
      : source(std::move(path)), pieces(std::move(the_pieces)) {}

  std::string source;  // the file
  Kind kind = Kind::kUnigram;
  Vocabulary pieces;
  std::vector<float> scores;             // of each piece, finite
  std::vector<SentencePieceType> types;  // of each piece
  // The one piece of type kUnknown; only a model with byte fallback can do without.
  std::optional<int32_t> unknown_id;
  // With it all 256 byte pieces are there, without it none.
  bool byte_fallback = false;
  bool treat_whitespace_as_suffix = false;
  // As training was told to number them, -1 for none; a converted model may have others.
  int32_t trained_unk_id = 0, trained_bos_id = 1, trained_eos_id = 2, trained_pad_id = -1;
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  // What Decode writes for the unknown piece.
  std::string unk_surface = " \xE2\x81\x87 ";
  SentencePieceNormalizer normalizer;
  // Applied to what Decode gives.
  std::optional<SentencePieceNormalizer> denormalizer;
};

inline constexpr uint64_t kMaxSentencePieceBytes = 256'000'000;

// Reads the bytes of a `.model` file; `source` names it in messages. DataLoss with byte, expected
// and found for what the library would misread, crash at, or refuse without a place: malformed
// protocol buffers and groups, wrong types of fields, no pieces or more than kMaxTokens, pieces
// that are empty, longer than kMaxTokenBytes, no UTF-8 or there twice, scores that are not finite,
// unknown types of pieces and models, no or two unknown pieces, byte pieces that are malformed or
// do not fit byte_fallback, a charsmap that CheckCharsmap refuses. Pieces may hold a NUL.
absl::StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string bytes,
                                                           const std::string& source);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_SENTENCEPIECE_MODEL_H_
