#include "models/kernels/linear.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linear.h>

#include "models/kernels/rows.h"
#include "models/kernels/segments.h"

namespace graft {

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  CheckFloats(x, 2, "Linear");
  CheckFloats(weight, 2, "Linear's weight");
  TORCH_CHECK(x.size(1) == weight.size(1), "Linear: x of width ", x.size(1), ", weight of ",
              weight.size(1));
  const int64_t rows = x.size(0), capacity = RowCapacity(rows);
  if (rows == capacity) return at::linear(x, weight, bias);
  const at::Tensor padded = at::constant_pad_nd(x, {0, 0, 0, capacity - rows});
  return at::linear(padded, weight, bias).narrow(0, 0, rows);
}

}  // namespace graft
