#include "tokenizers/models/word_level.h"

#include <utility>

#include "absl/log/absl_check.h"

namespace graft {

WordLevel::WordLevel(Vocabulary vocabulary, int32_t unknown_id)
    : vocabulary_(std::move(vocabulary)), unknown_id_(unknown_id) {
  ABSL_CHECK(!vocabulary_.duplicate().has_value());
  ABSL_CHECK_LT(static_cast<size_t>(unknown_id), vocabulary_.size());
}

void WordLevel::Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const {
  tokens.push_back(
      {vocabulary_.Find(word).value_or(unknown_id_), {0, static_cast<uint32_t>(word.size())}});
}

std::optional<std::string_view> WordLevel::IdToToken(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary_.size()) return std::nullopt;
  return vocabulary_.token(id);
}

}  // namespace graft
