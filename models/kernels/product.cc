#include "models/kernels/product.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace plain {

void Product(const MatrixView& left, const MatrixView& right, const ProductShape& shape,
             float* /*scratch*/, float* out, int64_t out_row, int64_t out_column) {
  for (int64_t i = 0; i < shape.rows; ++i) {
    for (int64_t j = 0; j < shape.columns; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < shape.depth; ++k) {
        sum += left.data[i * left.row + k * left.column] *
               right.data[k * right.row + j * right.column];
      }
      out[i * out_row + j * out_column] = sum;
    }
  }
}

}  // namespace plain

namespace {

// Up to so many rows it is cheaper to pack them than the other matrix.
constexpr int64_t kFewRows = kProductPanel;

// Tasks for each thread: enough that none waits long for the last one.
constexpr int64_t kTasksPerThread = 4;

MatrixView View(const at::Tensor& x) {
  return {x.const_data_ptr<float>(), x.stride(0), x.stride(1)};
}

MatrixView Transposed(const MatrixView& x) { return {x.data, x.column, x.row}; }

at::Tensor Readable(const at::Tensor& x) {
  return x.stride(0) == 1 || x.stride(1) == 1 ? x : x.contiguous();
}

}  // namespace

at::Tensor MatrixProduct(const at::Tensor& a, const at::Tensor& b) {
  CheckFloats(a, 2, "MatrixProduct's left matrix");
  CheckFloats(b, 2, "MatrixProduct's right matrix");
  TORCH_CHECK(a.size(1) == b.size(0), "MatrixProduct: ", a.sizes(), " times ", b.sizes());
  const at::Tensor left_matrix = Readable(a), right_matrix = Readable(b);
  at::Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
  MatrixView left = View(left_matrix), right = View(right_matrix);
  ProductShape shape = {a.size(0), a.size(1), b.size(1)};
  int64_t out_row = out.size(1), out_column = 1;
  if (shape.rows <= kFewRows && shape.rows < shape.columns) {
    left = Transposed(std::exchange(right, Transposed(left)));
    std::swap(shape.rows, shape.columns);
    std::swap(out_row, out_column);
  }
  if (out.numel() == 0) return out;
  float* target = out.mutable_data_ptr<float>();
  const int64_t panels = (shape.columns + kProductPanel - 1) / kProductPanel;
  // Every task packs its columns, so rows are divided only where the panels are too few.
  const int64_t wanted = kTasksPerThread * at::get_num_threads();
  const int64_t blocks = std::clamp<int64_t>(wanted / panels, 1, (shape.rows + 63) / 64);
  ForTasks(panels * blocks, ProductScratch(shape.depth), [&](int64_t task, float* scratch) {
    const int64_t column = task / blocks * kProductPanel;
    const int64_t block = task % blocks;
    const int64_t row = block * shape.rows / blocks, end = (block + 1) * shape.rows / blocks;
    simd::Product({left.data + row * left.row, left.row, left.column},
                  {right.data + column * right.column, right.row, right.column},
                  {end - row, shape.depth, std::min(kProductPanel, shape.columns - column)},
                  scratch, target + row * out_row + column * out_column, out_row, out_column);
  });
  return out;
}

}  // namespace graft
