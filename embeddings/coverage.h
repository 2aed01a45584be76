// How much of a task's words vectors know, and what would help with the others.
#ifndef GRAFT_EMBEDDINGS_COVERAGE_H_
#define GRAFT_EMBEDDINGS_COVERAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "embeddings/word_vectors.h"

namespace graft {

// Different words, and how often they stand in the texts.
struct WordCount {
  int64_t types = 0;
  int64_t tokens = 0;
};

// Counts the words of texts. One thread.
class WordCounter {
 public:
  void Add(std::string_view word) {
    ++counts_.try_emplace(word, 0).first->second;
    ++tokens_;
  }
  const absl::flat_hash_map<std::string, int64_t>& counts() const { return counts_; }
  WordCount total() const { return {static_cast<int64_t>(counts_.size()), tokens_}; }

 private:
  absl::flat_hash_map<std::string, int64_t> counts_;
  int64_t tokens_ = 0;
};

struct UnknownWord {
  std::string word;
  int64_t count = 0;
};

struct CoverageReport {
  WordCount all, known;
  // The most frequent ones first, equally frequent ones by their bytes.
  std::vector<UnknownWord> unknown;
  // What each remedy, alone, would win of the unknown words:
  WordCount lower_case;  // the lower-cased form has a row
  WordCount sub_words;   // the model's n-grams give a vector; none where it has no n-grams
  // At least half of the word's n-grams (kShortestNGram to kLongestNGram characters, with < and >
  // around the word, as fastText has them by default) stand in words of the vectors: sub-words that
  // were made from the rows would have something to go by.
  WordCount n_grams;
  // With neither a lower-cased row nor a vector by sub-words: what UnknownWords leaves unknown.
  WordCount left;
};

inline constexpr int kShortestNGram = 3;
inline constexpr int kLongestNGram = 6;

// `most_unknown` bounds the list of unknown words. Takes memory for the n-grams of unknown words,
// and one look at each n-gram of the vectors' words, on `threads` threads.
CoverageReport FindCoverage(const WordVectors& vectors, const WordCounter& counter,
                            size_t most_unknown, int64_t threads);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_COVERAGE_H_
