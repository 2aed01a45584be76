#include "models/kernels/attention_tables.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {
namespace {

// Where distance 0 stands in a table of so many distances.
int64_t Middle(int64_t count) { return count / 2; }

// A table with `distances` rows or columns and so many of the other ones.
void CheckTable(const at::Tensor& table, int64_t distances, int64_t others, int64_t expected,
                int64_t longest, const char* what) {
  TORCH_CHECK(distances % 2 == 1 && Middle(distances) + 1 >= longest && others == expected, what,
              ": a table of ", table.size(0), " x ", table.size(1),
              " by distance for texts of up to ", longest,
              " tokens, the other dimension should be ", expected);
}

at::Tensor ContiguousOrNone(const at::Tensor& x) { return x.defined() ? x.contiguous() : x; }

}  // namespace

AttentionOptions CheckedOptions(const AttentionOptions& options, int64_t heads, int64_t hidden,
                                int64_t longest) {
  TORCH_CHECK(std::isfinite(options.scale) && options.scale >= 0, "Attention: scale is ",
              options.scale);
  TORCH_CHECK(options.before >= 0 && options.after >= 0, "Attention: a window of ", options.before,
              " before and ", options.after, " after a query");
  if (options.scores.defined()) {
    const at::Tensor& table = options.scores;
    CheckFloats(table, 2, "Attention's scores");
    CheckTable(table, table.size(1), table.size(0), heads, longest, "Attention's scores");
  }
  for (const at::Tensor& table : {options.keys, options.queries}) {
    if (!table.defined()) continue;
    CheckFloats(table, 2, "Attention's table");
    CheckTable(table, table.size(0), table.size(1), hidden, longest, "Attention's table");
  }
  AttentionOptions checked = options;
  const int64_t width = hidden / heads;
  if (checked.scale == 0) checked.scale = 1 / std::sqrt(static_cast<double>(width));
  checked.scores = ContiguousOrNone(options.scores);
  checked.keys = ContiguousOrNone(options.keys);
  checked.queries = ContiguousOrNone(options.queries);
  return checked;
}

DistanceRange::DistanceRange(const AttentionOptions& options, int64_t tokens)
    : before(std::min(options.before, std::max<int64_t>(0, tokens - 1))),
      after(std::min(options.after, tokens - 1)) {}

AttentionTables::AttentionTables(const AttentionOptions& options, int64_t heads, int64_t hidden,
                                 int64_t longest, bool gradient)
    : options_(options), heads_(heads), width_(hidden / heads), range_(options, longest) {
  if (options.keys.defined()) key_panels_ = Pack(options.keys, false, gradient);
  if (options.queries.defined()) {
    queries_ = at::mul(options.queries, options.scale);
    query_panels_ = Pack(queries_, true, gradient);
  }
}

DistanceTable AttentionTables::Head(const at::Tensor& table, int64_t index) const {
  const int64_t hidden = heads_ * width_;
  const float* middle = table.const_data_ptr<float>() + Middle(table.size(0)) * hidden;
  return {.zero = middle + index * width_,
          .stride = hidden,
          .before = range_.before,
          .after = range_.after};
}

at::Tensor AttentionTables::Pack(const at::Tensor& table, bool descending, bool gradient) const {
  const int64_t floats = DistancePanels(range_.count(), width_);
  at::Tensor panels = at::empty({heads_, floats}, table.options());
  float* target = panels.mutable_data_ptr<float>();
  ForTasks(heads_, 0, [&](int64_t index, float*) {
    DistanceTable head = Head(table, index);
    head.descending = descending;
    simd::PackDistances(head, width_, gradient, target + index * floats);
  });
  return panels;
}

void AttentionTables::Set(int64_t index, AttentionHead& head) const {
  const auto panels = [&](const at::Tensor& all) {
    return all.const_data_ptr<float>() + index * all.size(1);
  };
  if (options_.scores.defined()) {
    const at::Tensor& table = options_.scores;
    head.scores = table.const_data_ptr<float>() + index * table.size(1) + Middle(table.size(1));
  }
  if (options_.keys.defined()) {
    head.keys = Head(options_.keys, index);
    head.keys.panels = panels(key_panels_);
  }
  if (options_.queries.defined()) {
    head.queries = Head(queries_, index);
    head.queries.descending = true;
    head.queries.panels = panels(query_panels_);
  }
}

AttentionTableGradients::AttentionTableGradients(const AttentionOptions& options,
                                                 const Segments& segments, int64_t heads,
                                                 int64_t hidden)
    : options_(options), heads_(heads), hidden_(hidden) {
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  int64_t rows = 0;
  for (int64_t text = 0; text < segments.texts(); ++text) {
    ranges_.emplace_back(options, starts[text + 1] - starts[text]);
    first_rows_.push_back(rows);
    rows += ranges_.back().count();
  }
  if (options.scores.defined()) scores_ = at::empty({rows, heads}, options.scores.options());
  if (options.keys.defined()) keys_ = at::empty({rows, hidden}, options.keys.options());
  if (options.queries.defined()) queries_ = at::empty({rows, hidden}, options.queries.options());
}

void AttentionTableGradients::Set(int64_t text, int64_t index, AttentionGradients& gradients) {
  const int64_t row = first_rows_[text], place = row * hidden_ + index * hidden_ / heads_;
  gradients.table_stride = hidden_;
  if (scores_.defined()) {
    gradients.scores =
        scores_.mutable_data_ptr<float>() + row * heads_ + index * ranges_[text].count();
  }
  if (keys_.defined()) gradients.keys = keys_.mutable_data_ptr<float>() + place;
  if (queries_.defined()) gradients.queries = queries_.mutable_data_ptr<float>() + place;
}

at::Tensor AttentionTableGradients::Scores() const {
  if (!scores_.defined()) return {};
  at::Tensor sums = at::zeros_like(options_.scores);
  const int64_t columns = sums.size(1);
  float* target = sums.mutable_data_ptr<float>() + Middle(columns);
  const float* source = scores_.const_data_ptr<float>();
  for (size_t text = 0; text < ranges_.size(); ++text) {
    const DistanceRange& range = ranges_[text];
    const float* part = source + first_rows_[text] * heads_;
    for (int64_t index = 0; index < heads_; ++index) {
      AddTo(target + index * columns - range.before, part + index * range.count(), range.count());
    }
  }
  return sums;
}

at::Tensor AttentionTableGradients::Queries() const {
  at::Tensor sums = SumTexts(queries_, options_.queries);
  // The loops saw a table that had been scaled.
  if (sums.defined()) sums.mul_(options_.scale);
  return sums;
}

// Every thread owns some distances and goes through the texts in order.
at::Tensor AttentionTableGradients::SumTexts(const at::Tensor& parts,
                                             const at::Tensor& table) const {
  if (!parts.defined()) return {};
  at::Tensor sums = at::zeros_like(table);
  float* target = sums.mutable_data_ptr<float>();
  const float* source = parts.const_data_ptr<float>();
  const int64_t rows = table.size(0);
  ParallelFor(rows, RowGrain(hidden_), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t distance = row - Middle(rows);
      for (size_t text = 0; text < ranges_.size(); ++text) {
        const DistanceRange& range = ranges_[text];
        if (distance < -range.before || distance > range.after) continue;
        const int64_t part = first_rows_[text] + distance + range.before;
        AddTo(target + row * hidden_, source + part * hidden_, hidden_);
      }
    }
  });
  return sums;
}

}  // namespace graft
