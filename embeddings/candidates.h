// What may be among the nearest rows of a query. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_CANDIDATES_H_
#define GRAFT_EMBEDDINGS_CANDIDATES_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "absl/types/span.h"

namespace graft {

inline bool IsAmong(absl::Span<const int64_t> rows, int64_t row) {
  return std::find(rows.begin(), rows.end(), row) != rows.end();
}

// Rows come with a score that is wrong by at most an error. A row stays as long as fewer than k
// others are surely better. One thread.
class Candidates {
 public:
  struct Row {
    int64_t row;
    float most;  // the score is not above
  };

  explicit Candidates(int64_t k) : k_(static_cast<size_t>(k)) {}

  // Rows whose score and error together are below this are surely not among the nearest.
  float threshold() const { return threshold_; }

  void Add(int64_t row, float score, float error) { AddBetween(row, score - error, score + error); }
  // A row whose score is at least and at most this.
  void AddBetween(int64_t row, float least, float most) {
    if (most < threshold_) return;
    rows_.push_back({row, most});
    AddLeast(least);
    if (rows_.size() >= limit_) Prune();
  }
  // No row with a score below this, wrong by at most `error`, can stay: the threshold less the
  // error, rounded down.
  float LeastScore(float error) const {
    const float lower = threshold_ - error;
    return lower - std::abs(lower) * 0x1p-22f;
  }

  // What others found: of other rows.
  void Merge(const Candidates& other) {
    rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
    for (const float least : other.least_) AddLeast(least);
  }

  // The rows that are left.
  const std::vector<Row>& Finish() {
    Prune();
    return rows_;
  }

 private:
  // least_: the k largest of what rows have at least, the smallest of them first.
  void AddLeast(float least) {
    if (least_.size() < k_) {
      least_.push_back(least);
      std::push_heap(least_.begin(), least_.end(), std::greater<>());
    } else if (k_ > 0 && least > least_.front()) {
      std::pop_heap(least_.begin(), least_.end(), std::greater<>());
      least_.back() = least;
      std::push_heap(least_.begin(), least_.end(), std::greater<>());
    }
    if (least_.size() == k_ && k_ > 0) threshold_ = least_.front();
  }

  void Prune() {
    std::erase_if(rows_, [this](const Row& row) { return row.most < threshold_; });
    limit_ = 2 * rows_.size() + 1024;
  }

  size_t k_;
  size_t limit_ = 1024;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<float> least_;
  std::vector<Row> rows_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_CANDIDATES_H_
