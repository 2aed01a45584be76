// Encoding by the SentencePiece library. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_ENCODER_H_
#define GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_ENCODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tokenizers/files/sentencepiece_model.h"
#include "tokenizers/models/model.h"

namespace graft {

// A `.model` file as the library itself encodes with it: the reference for graft's own ways, and
// the way for models that they do not cover. Move-only; const methods are thread-safe.
class SentencePieceEncoder {
 public:
  // Reads and checks a file. Errors as ParseSentencePieceModel's; DataLoss when the library does
  // not take what passed the check.
  static absl::StatusOr<SentencePieceEncoder> Load(const std::string& path);
  static absl::StatusOr<SentencePieceEncoder> Parse(std::string_view bytes,
                                                    const std::string& source);

  SentencePieceEncoder(SentencePieceEncoder&&) noexcept;
  SentencePieceEncoder& operator=(SentencePieceEncoder&&) noexcept;
  ~SentencePieceEncoder();

  const SentencePieceModel& model() const { return model_; }

  // Appends the tokens of a text, normalization included. Spans are bytes of `text`, as the
  // library's alignment gives them, but that byte pieces all have the span of their character.
  // A token for what normalization added has an empty span. Each maximal ill-formed part of UTF-8
  // counts as one U+FFFD. InvalidArgument above max_text_bytes(), ResourceExhausted for want of
  // memory.
  absl::Status Encode(std::string_view text, std::vector<ModelToken>& tokens) const;
  // The same with the pieces' own texts; that of unknown characters is their normalized form.
  absl::Status Encode(std::string_view text, std::vector<ModelToken>& tokens,
                      std::vector<std::string>& pieces) const;
  // The text of the ids; InvalidArgument for an id outside the model.
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const;

  // The library counts normalized bytes in 31 bits: texts that could grow past that are refused.
  size_t max_text_bytes() const { return max_text_bytes_; }

 private:
  class Library;
  SentencePieceEncoder(SentencePieceModel model, std::unique_ptr<const Library> library);

  absl::Status Run(std::string_view text, std::vector<ModelToken>& tokens,
                   std::vector<std::string>* pieces) const;

  SentencePieceModel model_;
  std::unique_ptr<const Library> library_;
  size_t max_text_bytes_ = 0;
};

// Why only the library encodes with this model: the property in words ("a word model"). Empty when
// unigram or BPE over normalized text is all there is to it.
std::string_view PropertyForLibrary(const SentencePieceModel& model);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_ENCODER_H_
