// The normalization of a SentencePiece model, word by word. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_RULES_H_
#define GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_RULES_H_

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/lanes/unigram_encoder.h"
#include "tokenizers/normalizers/charsmap.h"

namespace graft {

// What a charsmap makes of the characters between two spaces: at each place the longest rule, as
// SentencePiece takes them. One thread at a time.
class SentencePieceRules final : public ChunkNormalizer {
 public:
  // The field of the model, empty for none. nullopt for rules that look at spaces, or write two of
  // them in a row.
  static std::optional<SentencePieceRules> Create(std::string_view charsmap);

  bool IsSimple(char c) const override { return simple_[static_cast<uint8_t>(c)]; }
  bool Normalize(std::string_view chunk, std::string& out) override;

 private:
  explicit SentencePieceRules(std::optional<Charsmap> rules);

  std::optional<Charsmap> rules_;
  std::array<bool, 256> simple_ = {};
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_SENTENCEPIECE_RULES_H_
