// Row-wise work on [R, ...] tensors: checks, division among threads, sums over rows.
#ifndef GRAFT_MODELS_KERNELS_ROWS_H_
#define GRAFT_MODELS_KERNELS_ROWS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/kernels/segments.h"

namespace graft {

// Sums over rows are taken in blocks of so many rows and then over the blocks, in order: the same
// bits for every number of threads.
inline constexpr int64_t kRowBlock = 32;

inline int64_t RowBlocks(int64_t rows) { return (rows + kRowBlock - 1) / kRowBlock; }

// Rows that one thread should take at least, for rows of `width` floats.
int64_t RowGrain(int64_t width);

// A bug in the caller if x is not a float32 CPU tensor of so many dimensions.
void CheckFloats(const at::Tensor& x, int64_t dimensions, const char* what);

// The same for segments that do not fit `rows` rows.
void CheckSegments(const Segments& segments, int64_t rows);

// The text that a row < tokens belongs to.
int64_t TextOfRow(const int32_t* starts, int64_t texts, int64_t row);

// Sum over the blocks of partial sums [blocks, width]: [width].
at::Tensor SumBlocks(const at::Tensor& partial);

// Sum over the first `rows` rows of x [R, width]: [width].
at::Tensor SumRows(const at::Tensor& x, int64_t rows);

// x[i] += y[i].
void AddTo(float* x, const float* y, int64_t count);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ROWS_H_
