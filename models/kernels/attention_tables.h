// The tables by distance of attention, for its loops; attention.h says what they mean.
#ifndef GRAFT_MODELS_KERNELS_ATTENTION_TABLES_H_
#define GRAFT_MODELS_KERNELS_ATTENTION_TABLES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/kernels/attention.h"
#include "models/kernels/loops.h"
#include "models/kernels/segments.h"

namespace graft {

// The options with contiguous tables and a scale that is not 0. A bug in the caller unless they fit
// the heads, H and the longest text.
AttentionOptions CheckedOptions(const AttentionOptions& options, int64_t heads, int64_t hidden,
                                int64_t longest);

// The distances from -before to after: those that occur in a text of so many tokens.
struct DistanceRange {
  int64_t before;
  int64_t after;

  DistanceRange(const AttentionOptions& options, int64_t tokens);
  int64_t count() const { return before + 1 + after; }  // 0 without tokens
};

// The tables of one call, which lives no longer than its options (CheckedOptions).
class AttentionTables {
 public:
  // With `gradient` for AttentionGradientLoop too.
  AttentionTables(const AttentionOptions& options, int64_t heads, int64_t hidden, int64_t longest,
                  bool gradient);

  bool any() const {
    return options_.scores.defined() || options_.keys.defined() || options_.queries.defined();
  }

  // Gives a head its tables.
  void Set(int64_t index, AttentionHead& head) const;

 private:
  DistanceTable Head(const at::Tensor& table, int64_t index) const;
  at::Tensor Pack(const at::Tensor& table, bool descending, bool gradient) const;

  const AttentionOptions& options_;
  const int64_t heads_, width_;
  const DistanceRange range_;             // of the longest text
  at::Tensor queries_;                    // [2M - 1, H], scaled
  at::Tensor key_panels_, query_panels_;  // [A, DistancePanels()]
};

// The gradients of the tables, each text's by itself, so that their sum over the texts has one
// order. Lives no longer than the options.
class AttentionTableGradients {
 public:
  AttentionTableGradients(const AttentionOptions& options, const Segments& segments, int64_t heads,
                          int64_t hidden);

  // Where those of one head of one text go.
  void Set(int64_t text, int64_t index, AttentionGradients& gradients);

  // The sums, in the form of the tables; undefined without the table.
  at::Tensor Scores() const;
  at::Tensor Keys() const { return SumTexts(keys_, options_.keys); }
  at::Tensor Queries() const;

 private:
  at::Tensor SumTexts(const at::Tensor& parts, const at::Tensor& table) const;

  const AttentionOptions& options_;
  const int64_t heads_, hidden_;
  std::vector<DistanceRange> ranges_;  // of the texts
  std::vector<int64_t> first_rows_;    // where a text's distances begin
  at::Tensor scores_;                  // [distances of all texts, A]; of each text transposed
  at::Tensor keys_, queries_;          // [distances of all texts, H]
};

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ATTENTION_TABLES_H_
