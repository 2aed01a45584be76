// A `.model` file as the model of a tokenizer. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_TOKENS_H_
#define GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_TOKENS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tokenizers/models/model.h"
#include "tokenizers/models/sentencepiece_encoder.h"
#include "tokenizers/models/unigram.h"

namespace graft {

// Texts become what the `sentencepiece` library makes of them: its ids, without <s> and </s>, its
// spans, its text of ids. Normalization is the model's own, so a tokenizer over it has neither
// normalizers nor pre-tokenizers, and added tokens are pieces of the model.
class SentencePieceTokens final : public TokenModel {
 public:
  // Errors as SentencePieceEncoder::Load's.
  static absl::StatusOr<std::unique_ptr<const SentencePieceTokens>> Load(const std::string& path);
  static absl::StatusOr<std::unique_ptr<const SentencePieceTokens>> Parse(
      std::string_view bytes, const std::string& source);

  // The tokens of a whole text, by the library; spans are of the text as it was given, which may be
  // ill-formed. A text that is longer than the library takes is encoded in parts that end behind a
  // space where there is one. A text that the library does not encode is one unknown token.
  void Tokenize(std::string_view text, std::vector<ModelToken>& tokens) const override;
  size_t vocabulary_size() const override { return file().pieces.size(); }
  std::optional<int32_t> TokenToId(std::string_view token) const override {
    return file().pieces.Find(token);
  }
  std::optional<std::string_view> IdToToken(int32_t id) const override;

  // The library's text of the ids: control pieces are nothing in it. Other ids are skipped.
  std::string Decode(absl::Span<const int32_t> ids) const;

  const SentencePieceModel& file() const { return encoder_.model(); }
  // Graft's own model of the pieces, where UnigramEncoder with SentencePieceRules gives what
  // the library gives; null where only the library does.
  const Unigram* own() const { return own_.get(); }

 private:
  explicit SentencePieceTokens(SentencePieceEncoder encoder) : encoder_(std::move(encoder)) {}
  void TokenizePart(std::string_view text, uint32_t begin, std::vector<ModelToken>& tokens) const;

  SentencePieceEncoder encoder_;
  std::unique_ptr<const Unigram> own_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_SENTENCEPIECE_TOKENS_H_
