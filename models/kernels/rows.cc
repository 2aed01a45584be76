#include "models/kernels/rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "models/kernels/tasks.h"

namespace graft {

int64_t RowGrain(int64_t width) {
  constexpr int64_t kFloatsPerTask = 8192;
  return std::max<int64_t>(1, kFloatsPerTask / std::max<int64_t>(1, width));
}

void CheckFloats(const at::Tensor& x, int64_t dimensions, const char* what) {
  TORCH_CHECK(x.scalar_type() == at::kFloat && x.device().is_cpu() && x.dim() == dimensions, what,
              ": expected float32 of ", dimensions, " dimensions on the CPU, found ", x.toString(),
              " of ", x.dim());
}

void CheckSegments(const Segments& segments, int64_t rows) {
  for (const at::Tensor& x : {segments.starts, segments.text_ids}) {
    TORCH_CHECK(
        x.scalar_type() == at::kInt && x.dim() == 1 && x.is_contiguous() && x.device().is_cpu(),
        "segments: expected contiguous int32 vectors on the CPU");
  }
  const int64_t texts = segments.texts();
  TORCH_CHECK(texts >= 0 && segments.text_ids.size(0) == texts, "segments: ", texts,
              " texts, text_ids of ", segments.text_ids.size(0));
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  TORCH_CHECK(starts[0] == 0 && starts[texts] == segments.tokens, "segments: starts run from ",
              starts[0], " to ", starts[texts], ", tokens is ", segments.tokens);
  int64_t longest = 0;
  for (int64_t text = 0; text < texts; ++text) {
    const int64_t tokens = int64_t{starts[text + 1]} - starts[text];
    TORCH_CHECK(tokens >= 0, "segments: starts decrease");
    longest = std::max(longest, tokens);
  }
  TORCH_CHECK(segments.longest == longest, "segments: longest is ", segments.longest,
              ", the longest text has ", longest, " tokens");
  TORCH_CHECK(segments.tokens <= rows, "segments: ", segments.tokens, " tokens in ", rows, " rows");
}

int64_t TextOfRow(const int32_t* starts, int64_t texts, int64_t row) {
  return std::upper_bound(starts, starts + texts + 1, row) - starts - 1;
}

void AddTo(float* __restrict x, const float* __restrict y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] += y[i];
}

at::Tensor SumBlocks(const at::Tensor& partial) {
  const int64_t blocks = partial.size(0), width = partial.size(1);
  at::Tensor sums = at::zeros({width}, partial.options());
  const float* source = partial.const_data_ptr<float>();
  float* target = sums.mutable_data_ptr<float>();
  ParallelFor(width, RowGrain(blocks), [&](int64_t begin, int64_t end) {
    for (int64_t block = 0; block < blocks; ++block) {
      AddTo(target + begin, source + block * width + begin, end - begin);
    }
  });
  return sums;
}

at::Tensor SumRows(const at::Tensor& x, int64_t rows) {
  const int64_t width = x.size(1), blocks = RowBlocks(rows);
  at::Tensor partial = at::zeros({blocks, width}, x.options());
  const float* source = x.const_data_ptr<float>();
  float* target = partial.mutable_data_ptr<float>();
  ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t last = std::min(rows, (block + 1) * kRowBlock);
      for (int64_t row = block * kRowBlock; row < last; ++row) {
        AddTo(target + block * width, source + row * width, width);
      }
    }
  });
  return SumBlocks(partial);
}

}  // namespace graft
