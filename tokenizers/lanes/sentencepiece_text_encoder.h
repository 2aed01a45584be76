// Texts as the SentencePiece library encodes them. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_TEXT_ENCODER_H_
#define GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_TEXT_ENCODER_H_

#include <optional>
#include <string_view>
#include <vector>

#include "tokenizers/lanes/sentencepiece_rules.h"
#include "tokenizers/lanes/unigram_encoder.h"
#include "tokenizers/models/sentencepiece_tokens.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// Goes through graft's own Unigram where that covers model and text, else through the library. A
// word is what begins with a space's mark (ends with it where the model has it behind words).
class SentencePieceTextEncoder final : public TextEncoder {
 public:
  // The model must outlive the encoder.
  explicit SentencePieceTextEncoder(const SentencePieceTokens& model);
  SentencePieceTextEncoder(const SentencePieceTextEncoder&) = delete;
  SentencePieceTextEncoder& operator=(const SentencePieceTextEncoder&) = delete;

  void AppendIds(std::string_view text, IdWriter& out) override;
  void AppendTokens(std::string_view text, TokenWriter& out) override;

 private:
  bool BeginsWord(int32_t before, int32_t id) const;

  const SentencePieceTokens& model_;
  // Both or none.
  std::optional<SentencePieceRules> rules_;
  std::optional<UnigramEncoder> own_;
  std::vector<ModelToken> tokens_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_TEXT_ENCODER_H_
