// The words that an evaluation knows. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_EVALUATION_WORDS_H_
#define GRAFT_EMBEDDINGS_EVALUATION_WORDS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "embeddings/evaluation.h"
#include "tokenizers/case_map.h"

namespace graft {

// `words` must live as long. Immutable and thread-safe.
class EvaluationWords {
 public:
  EvaluationWords(const Words& words, const EvaluationOptions& options)
      : words_(words),
        rows_(options.restrict_vocab == 0 ? words.size()
                                          : std::min(words.size(), options.restrict_vocab)),
        ignore_case_(options.ignore_case) {
    if (!ignore_case_) return;
    by_key_.reserve(static_cast<size_t>(rows_));
    for (int64_t row = 0; row < rows_; ++row) by_key_.try_emplace(UpperCase(words[row]), row);
  }

  // Rows that count.
  int64_t rows() const { return rows_; }
  // What words are compared by.
  std::string Key(std::string_view word) const {
    return ignore_case_ ? UpperCase(word) : std::string(word);
  }
  std::optional<int64_t> FindKey(std::string_view key) const {
    if (ignore_case_) {
      const auto found = by_key_.find(key);
      if (found == by_key_.end()) return std::nullopt;
      return found->second;
    }
    const std::optional<int64_t> row = words_.Find(key);
    return row && *row < rows_ ? row : std::nullopt;
  }

 private:
  const Words& words_;
  int64_t rows_;
  bool ignore_case_;
  absl::flat_hash_map<std::string, int64_t> by_key_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_EVALUATION_WORDS_H_
