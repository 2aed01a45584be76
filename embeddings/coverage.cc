#include "embeddings/coverage.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/for_tasks.h"
#include "tokenizers/case_map.h"

namespace graft {
namespace {

constexpr int64_t kWordsAtOnce = 4096;
// In bytes: what is longer, and no word, would fill memory with its n-grams.
constexpr size_t kLongestWord = 1024;

// Where the characters of a word begin, and its end. Bytes that continue a character belong to it,
// in ill-formed text too.
void FindCharacters(std::string_view word, std::vector<size_t>& begins) {
  begins.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    if ((static_cast<unsigned char>(word[i]) & 0xC0) != 0x80) begins.push_back(i);
  }
  begins.push_back(word.size());
}

// Calls visit(n_gram) for all n-grams of "<word>".
template <typename Visit>
void ForNGrams(std::string_view word, std::string& marked, std::vector<size_t>& begins,
               const Visit& visit) {
  if (word.size() > kLongestWord) return;
  marked.assign("<");
  absl::StrAppend(&marked, word, ">");
  FindCharacters(marked, begins);
  const size_t characters = begins.size() - 1;
  for (size_t first = 0; first < characters; ++first) {
    for (size_t length = kShortestNGram; length <= kLongestNGram; ++length) {
      if (first + length > characters) break;
      visit(std::string_view(marked).substr(begins[first], begins[first + length] - begins[first]));
    }
  }
}

// The n-grams of unknown words, and which of them stand in known ones.
class NGrams {
 public:
  explicit NGrams(const std::vector<UnknownWord>& unknown) {
    std::string marked;
    std::vector<size_t> begins;
    for (const UnknownWord& word : unknown) {
      ForNGrams(word.word, marked, begins,
                [&](std::string_view n_gram) { numbers_.try_emplace(n_gram, numbers_.size()); });
    }
    known_ = std::make_unique<std::atomic<bool>[]>(numbers_.size());
  }

  void MarkKnown(const Words& words, int64_t threads) {
    if (numbers_.empty()) return;
    const int64_t tasks = (words.size() + kWordsAtOnce - 1) / kWordsAtOnce;
    ForTasks(threads, tasks, 0, [&](int64_t task, float*) {
      std::string marked;
      std::vector<size_t> begins;
      const int64_t end = std::min(words.size(), (task + 1) * kWordsAtOnce);
      for (int64_t row = task * kWordsAtOnce; row < end; ++row) {
        ForNGrams(words[row], marked, begins, [&](std::string_view n_gram) {
          const auto found = numbers_.find(n_gram);
          if (found != numbers_.end()) known_[found->second].store(true, std::memory_order_relaxed);
        });
      }
    });
  }

  bool HalfKnown(std::string_view word) const {
    int64_t all = 0, known = 0;
    std::string marked;
    std::vector<size_t> begins;
    ForNGrams(word, marked, begins, [&](std::string_view n_gram) {
      ++all;
      known += known_[numbers_.at(n_gram)].load(std::memory_order_relaxed);
    });
    return all > 0 && 2 * known >= all;
  }

 private:
  absl::flat_hash_map<std::string, size_t> numbers_;
  std::unique_ptr<std::atomic<bool>[]> known_;
};

void Count(const UnknownWord& word, WordCount& count) {
  ++count.types;
  count.tokens += word.count;
}

}  // namespace

CoverageReport FindCoverage(const WordVectors& vectors, const WordCounter& counter,
                            size_t most_unknown, int64_t threads) {
  CoverageReport report;
  report.all = counter.total();
  for (const auto& [word, count] : counter.counts()) {
    if (vectors.Find(word)) {
      Count({"", count}, report.known);
    } else {
      report.unknown.push_back({word, count});
    }
  }
  std::sort(report.unknown.begin(), report.unknown.end(),
            [](const UnknownWord& a, const UnknownWord& b) {
              return a.count != b.count ? a.count > b.count : a.word < b.word;
            });
  NGrams n_grams(report.unknown);
  n_grams.MarkKnown(vectors.words(), threads);
  std::vector<float> scratch(static_cast<size_t>(vectors.width()));
  for (const UnknownWord& word : report.unknown) {
    const bool lower = vectors.Find(LowerCase(word.word)).has_value();
    const bool sub_words = vectors.sub_words() != nullptr &&
                           vectors.sub_words()->Vector(word.word, absl::MakeSpan(scratch));
    if (lower) Count(word, report.lower_case);
    if (sub_words) Count(word, report.sub_words);
    if (!lower && !sub_words) Count(word, report.left);
    if (n_grams.HalfKnown(word.word)) Count(word, report.n_grams);
  }
  report.unknown.resize(std::min(report.unknown.size(), most_unknown));
  return report;
}

}  // namespace graft
