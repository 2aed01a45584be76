// Vectors for words that have none, from the n-grams of their characters.
#ifndef GRAFT_EMBEDDINGS_SUB_WORDS_H_
#define GRAFT_EMBEDDINGS_SUB_WORDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// How n-grams get their rows.
struct SubWordRules {
  enum class Kind {
    // fastText (Bojanowski et al. 2017): FNV-1a over the n-grams of "<word>".
    kFastText,
    // floret (Boyd and Warmerdam 2022): MurmurHash3 x64-128, up to four rows for an n-gram, and
    // the marked word itself is one as well.
    kFloret,
  };
  Kind kind = Kind::kFastText;
  int min_length = 0;  // characters of an n-gram, the marks counted
  int max_length = 0;  // 0: no n-grams
  int64_t buckets = 0;
  int hash_count = 1;      // floret: 1 to 4
  uint32_t hash_seed = 0;  // floret
  std::string begin_mark = "<";
  std::string end_mark = ">";
};

// Immutable and thread-safe; copies share their memory.
class SubWords {
 public:
  // `rows` is a row-major matrix [R, width] that `owner` keeps. `pruned` gives the row of a bucket
  // where only some have one; without it bucket i is row i and R = buckets.
  SubWords(SubWordRules rules, const float* rows, int64_t row_count, int64_t width,
           std::shared_ptr<const void> owner,
           std::optional<std::unordered_map<int64_t, int64_t>> pruned = std::nullopt);

  const SubWordRules& rules() const { return rules_; }
  const float* rows() const { return rows_; }
  int64_t row_count() const { return row_count_; }
  int64_t width() const { return width_; }
  // Row by bucket; nullptr: all buckets have one.
  const std::unordered_map<int64_t, int64_t>* pruned() const { return pruned_.get(); }

  // The rows of a word's n-grams in the order of the published programs, with repetitions.
  std::vector<int64_t> RowsOf(std::string_view word) const;
  // Their mean into `out` [width]; false, and zeros, when the word has none: one that is too short,
  // or whose n-grams were pruned.
  bool Vector(std::string_view word, absl::Span<float> out) const;

 private:
  void AppendFastText(std::string_view marked, std::vector<int64_t>& rows) const;
  void AppendFloret(std::string_view marked, std::vector<int64_t>& rows) const;
  void AppendFloretHashes(std::string_view ngram, std::vector<int64_t>& rows) const;

  SubWordRules rules_;
  const float* rows_;
  int64_t row_count_;
  int64_t width_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::unordered_map<int64_t, int64_t>> pruned_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_SUB_WORDS_H_
