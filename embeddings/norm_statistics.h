// What the lengths of rows are like.
#ifndef GRAFT_EMBEDDINGS_NORM_STATISTICS_H_
#define GRAFT_EMBEDDINGS_NORM_STATISTICS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// Takes rows one by one. One thread.
class NormStatistics {
 public:
  static constexpr size_t kMostZeroWords = 10;

  // A row [D] of finite numbers.
  void Add(std::string_view word, absl::Span<const float> row) {
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    const double norm = std::sqrt(squares);
    least_ = rows_ == 0 ? norm : std::min(least_, norm);
    most_ = std::max(most_, norm);
    ++rows_;
    // Welford's, which loses no digits.
    const double change = norm - mean_;
    mean_ += change / static_cast<double>(rows_);
    squared_differences_ += change * (norm - mean_);
    if (norm != 0) return;
    ++zeros_;
    if (zero_words_.size() < kMostZeroWords) zero_words_.emplace_back(word);
  }

  int64_t rows() const { return rows_; }
  // Of Euclidean norms; all 0 without rows. The deviation is that of all rows, not of a sample.
  double least() const { return least_; }
  double most() const { return most_; }
  double mean() const { return mean_; }
  double deviation() const {
    return rows_ > 0 ? std::sqrt(squared_differences_ / static_cast<double>(rows_)) : 0;
  }
  // Rows of zeros, and the first of their words.
  int64_t zeros() const { return zeros_; }
  const std::vector<std::string>& zero_words() const { return zero_words_; }

 private:
  int64_t rows_ = 0, zeros_ = 0;
  double least_ = 0, most_ = 0, mean_ = 0, squared_differences_ = 0;
  std::vector<std::string> zero_words_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_NORM_STATISTICS_H_
