// The Unigram model: the most likely row of pieces. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_UNIGRAM_H_
#define GRAFT_TOKENIZERS_MODELS_UNIGRAM_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tokenizers/models/model.h"
#include "tokenizers/models/piece_trie.h"
#include "tokenizers/vocabulary.h"

namespace graft {

// The types of sentencepiece_model.proto. The pieces of a tokenizer.json are all normal.
enum class PieceType : uint8_t { kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

// Pieces by id; all vectors have one entry per piece.
struct UnigramPieces {
  void Add(std::string_view piece, double score, PieceType type = PieceType::kNormal);

  std::string text;         // all pieces, one after the other
  std::vector<Span> spans;  // where each stands in it
  std::vector<double> scores;
  std::vector<PieceType> types;
};

// Two peers that agree but for rounding and for what may be found in a text.
enum class UnigramPeer {
  // `tokenizers` 0.23.3: scores add up in double precision; every piece may be found. A row of
  // unknown characters is one token: the piece that it happens to be, else the unknown one.
  kTokenizers,
  // `sentencepiece` 0.2.3: scores add up in single precision from the start of the text on, so that
  // near ties depend on what stands before; only normal and user-defined pieces may be found.
  kSentencePiece,
};

class Unigram final : public TokenModel {
 public:
  struct Options {
    int32_t unknown_id = 0;
    // What is unknown becomes the pieces <0x00> .. <0xFF> of its bytes, where all of them exist:
    // one character at a time for kSentencePiece, else a row of them. Each such token has the span
    // of the whole.
    bool byte_fallback = false;
    UnigramPeer peer = UnigramPeer::kTokenizers;
  };

  // InvalidArgument that begins with `source` and names the piece, for: no or more than kMaxTokens
  // pieces, a piece that is empty, longer than kMaxTokenBytes, ill-formed or there twice, a score
  // that is not finite, an unknown_id that no piece has.
  static absl::StatusOr<std::unique_ptr<const Unigram>> Create(UnigramPieces pieces,
                                                               const Options& options,
                                                               std::string_view source);

  void Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const override;
  size_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<int32_t> TokenToId(std::string_view token) const override {
    return vocabulary_.Find(token);
  }
  std::optional<std::string_view> IdToToken(int32_t id) const override;
  bool keeps_unknown_text() const override { return true; }

  const Options& options() const { return options_; }
  // Whether U+2581 stands at most at the front of pieces: no token then reaches over the beginning
  // of a word that it marks.
  bool words_are_apart() const { return words_are_apart_; }

  // For kSentencePiece and a text whose words are apart: its words, one after the other, give what
  // Tokenize gives for all of it. `score` is that of the text before the word, 0 at its start, and
  // becomes that of the text with the word.
  void TokenizeNext(std::string_view word, float& score, std::vector<ModelToken>& tokens) const;

  // Whether TokenizeNext gives the same tokens for a word behind every text whose score is between
  // -kScoreLimit and kScoreLimit, since no rounding can change which row of pieces is the best, and
  // score() of these tokens is what it adds to the score. Appends the tokens in any case.
  static constexpr float kScoreLimit = 8192;
  bool TokenizeAnywhere(std::string_view word, std::vector<ModelToken>& tokens) const;
  // The score of a piece.
  float score(int32_t id) const { return static_cast<float>(scores_[static_cast<size_t>(id)]); }

 private:
  // The best row of pieces that ends at a byte.
  struct Node {
    double score;
    uint32_t start;  // of the last piece
    int32_t id;      // the last piece; negative: nothing ends here
  };
  class Lattice;

  Unigram(Vocabulary vocabulary, UnigramPieces pieces, const Options& options);
  bool MayBeFound(size_t id) const;
  std::vector<std::pair<std::string_view, uint32_t>> FindablePieces() const;
  void AppendTokens(std::string_view text, const Lattice& lattice,
                    std::vector<ModelToken>& tokens) const;
  void ReplaceUnknown(std::string_view text, size_t first, std::vector<ModelToken>& tokens) const;
  void AppendUnknown(std::string_view text, Span span, std::vector<ModelToken>& tokens) const;

  Vocabulary vocabulary_;
  Options options_;
  std::vector<double> scores_;
  std::vector<PieceType> types_;
  PieceTrie trie_;
  double unknown_score_ = 0;
  bool words_are_apart_ = true;
  std::array<int32_t, 256> byte_ids_;  // of <0x00> .. <0xFF>; negative: no such piece
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_UNIGRAM_H_
