// What a search keeps. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_SEARCH_STATE_H_
#define GRAFT_EMBEDDINGS_SEARCH_STATE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/for_tasks.h"
#include "embeddings/candidates.h"
#include "embeddings/int8_rows.h"
#include "embeddings/scores.h"
#include "embeddings/search.h"

namespace graft {

inline bool IsNearer(const Neighbor& a, const Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// Rows of one step: their scores, and rows that have to be decoded, stay in a cache.
inline constexpr int64_t kScanStep = 256;

struct VectorSearch::State {
  WordVectors vectors;
  SearchOptions options;
  std::vector<float> weights;  // what a row is multiplied by: one over its length, or one
  // The same in the order in which Scan reads rows, so that it reads them in one go: `Scan` in
  // search.cc. Empty with the 8-bit copy.
  std::vector<float> scan_weights;
  float error = 0;       // of a score in float32, for a query of length one
  bool in_float = true;  // false: lengths are so extreme that all is done in double
  std::optional<Int8Rows> int8;

  int64_t rows() const { return vectors.size(); }
  int64_t width() const { return vectors.width(); }
  int64_t parts() const {
    return std::clamp<int64_t>(options.threads, 1, std::max<int64_t>(1, rows() / kScanStep));
  }
  // Rows of each of the runs that Scan reads side by side.
  static int64_t RowsOfRun(int64_t begin, int64_t end) { return (end - begin) / kRuns / 4 * 4; }
  // Part i of the rows: whole blocks of the copy.
  std::pair<int64_t, int64_t> Part(int64_t part) const {
    const auto edge = [&](int64_t i) {
      return i == parts() ? rows() : rows() / kScanStep * i / parts() * kScanStep;
    };
    return {edge(part), edge(part + 1)};
  }

  void FindWeights();
  void OrderWeights();
  std::vector<float> Unit(absl::Span<const float> query) const;
  void Scan(absl::Span<const float> unit, int64_t begin, int64_t end,
            absl::Span<const int64_t> excluded, float* scratch, Candidates& candidates) const;
  Neighbor Score(absl::Span<const float> query, double length, int64_t row, float* scratch) const;
  std::vector<Neighbor> Finish(absl::Span<const float> query, int64_t k,
                               const std::vector<Candidates::Row>& rows) const;
  std::vector<Neighbor> InDouble(absl::Span<const float> query, int64_t k,
                                 absl::Span<const int64_t> excluded) const;
  void ScanBatch(absl::Span<const float> panels, int64_t queries, int64_t begin, int64_t end,
                 const std::vector<std::vector<int64_t>>& excluded, float* scratch,
                 std::vector<Candidates>& candidates) const;

  // Calls scan(begin, end, scratch, candidates) for every part of the rows, on the threads, and
  // gives what is left of all together. `scratch` has room for kScanStep rows where rows are
  // decoded. `candidates` is the part's own.
  template <typename Scan>
  std::vector<Candidates::Row> ScanParts(int64_t k, const Scan& scan) const {
    std::vector<Candidates> candidates(static_cast<size_t>(parts()), Candidates(k));
    const int64_t scratch = vectors.floats() == nullptr ? kScanStep * width() : 0;
    ForTasks(options.threads, parts(), scratch, [&](int64_t part, float* memory) {
      const auto [begin, end] = Part(part);
      scan(begin, end, memory, candidates[static_cast<size_t>(part)]);
    });
    for (size_t i = 1; i < candidates.size(); ++i) candidates[0].Merge(candidates[i]);
    return candidates[0].Finish();
  }
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_SEARCH_STATE_H_
