#include "models/weights/weight_table.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/checked_size.h"

namespace graft {

int64_t TensorInfo::elements() const {
  // First, since the other sizes may have a product that 64 bits do not hold.
  if (absl::c_linear_search(shape, 0)) return 0;
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

std::string Describe(DType dtype, const std::vector<int64_t>& shape) {
  return absl::StrCat(DTypeName(dtype), " of shape [", absl::StrJoin(shape, ", "), "]");
}

std::optional<uint64_t> ShapeBytes(DType dtype, const std::vector<int64_t>& shape) {
  CheckedSize bytes = DTypeSize(dtype);
  for (const int64_t size : shape) bytes *= static_cast<uint64_t>(size);
  const std::optional<uint64_t> value = bytes.value();
  if (!value || *value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return value;
}

}  // namespace graft
