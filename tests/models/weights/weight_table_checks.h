// What must hold of every table that a reader accepts, for tests and fuzz targets.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_WEIGHT_TABLE_CHECKS_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_WEIGHT_TABLE_CHECKS_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft::testing {

// What is wrong with one tensor; empty when nothing is.
inline std::string FaultOf(const TensorInfo& tensor, const WeightTable& table,
                           absl::Span<const InputFile> files) {
  if (tensor.shape.size() > kMaxTensorRank) return "rank";
  const auto bytes = ShapeBytes(tensor.dtype, tensor.shape);
  if (!bytes || *bytes != tensor.bytes()) return "size";
  if (tensor.file >= files.size()) return "number of its file";
  if (tensor.begin > tensor.end || tensor.end > files[tensor.file].size()) return "outside";
  if (tensor.strides.empty() && tensor.end - tensor.begin != *bytes) return "bytes";
  if (*bytes == 0 && tensor.begin != tensor.end) return "bytes of no elements";
  if (!tensor.strides.empty() && *bytes > 0) {
    if (tensor.strides.size() != tensor.shape.size()) return "number of strides";
    uint64_t last = 0;  // element
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      if (tensor.strides[i] < 0) return "stride";
      uint64_t steps = 0;
      if (__builtin_mul_overflow(static_cast<uint64_t>(tensor.shape[i] - 1),
                                 static_cast<uint64_t>(tensor.strides[i]), &steps) ||
          __builtin_add_overflow(last, steps, &last)) {
        return "overflow of strides";
      }
    }
    const uint64_t room = (tensor.end - tensor.begin) / DTypeSize(tensor.dtype);
    if (last + 1 != room) return "last element";
  }
  if (tensor.block >= 0) {
    if (static_cast<size_t>(tensor.block) >= table.blocks.size()) return "number of its block";
    const StoredBlock& block = table.blocks[static_cast<size_t>(tensor.block)];
    if (block.file != tensor.file || tensor.begin < block.begin || tensor.end > block.end) {
      return "outside its block";
    }
  }
  return "";
}

// What is wrong with a table; empty when nothing is.
inline std::string FaultOf(const WeightTable& table, absl::Span<const InputFile> files) {
  if (table.tensors.size() > kMaxTensors) return "too many tensors";
  std::set<std::string_view> names;
  for (const TensorInfo& tensor : table.tensors) {
    if (!names.insert(tensor.name).second) return absl::StrCat(tensor.name, ": twice");
    const std::string fault = FaultOf(tensor, table, files);
    if (!fault.empty()) return absl::StrCat(tensor.name, ": ", fault);
  }
  for (const StoredBlock& block : table.blocks) {
    if (block.file >= files.size() || block.begin > block.end ||
        block.end > files[block.file].size()) {
      return absl::StrCat(block.name, ": block outside its file");
    }
  }
  return "";
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_WEIGHT_TABLE_CHECKS_H_
