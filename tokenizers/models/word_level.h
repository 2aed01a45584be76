// The WordLevel model: every word is a token or unknown. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_MODELS_WORD_LEVEL_H_
#define GRAFT_TOKENIZERS_MODELS_WORD_LEVEL_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizers/models/model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

class WordLevel final : public TokenModel {
 public:
  // The vocabulary must have no duplicates and a token with this id.
  WordLevel(Vocabulary vocabulary, int32_t unknown_id);

  void Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const override;
  size_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<int32_t> TokenToId(std::string_view token) const override {
    return vocabulary_.Find(token);
  }
  std::optional<std::string_view> IdToToken(int32_t id) const override;

 private:
  Vocabulary vocabulary_;
  int32_t unknown_id_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_WORD_LEVEL_H_
