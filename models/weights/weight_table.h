// What the directory of a weight file says: the tensors and where their bytes lie. Every format
// that is read stores them as plain numbers somewhere in a file, so that one reader (WeightFiles)
// serves all; a format is a function that makes the table.
#ifndef GRAFT_MODELS_WEIGHTS_WEIGHT_TABLE_H_
#define GRAFT_MODELS_WEIGHTS_WEIGHT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/weights/dtype.h"

namespace graft {

inline constexpr size_t kMaxTensors = 65'536;
inline constexpr size_t kMaxTensorRank = 8;
inline constexpr size_t kMaxTensorName = 1'024;  // bytes

// One tensor: shape and place.
struct TensorInfo {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  // By dimension, elements from one entry to the next; empty when the elements stand row by row
  // without gaps. One stride for every dimension, none negative.
  std::vector<int64_t> strides = {};
  // From the first element to behind the last in the order of the file; equal for no elements.
  uint64_t begin = 0;  // bytes from the start of the file
  uint64_t end = 0;
  size_t file = 0;  // number of the file
  // Number of the StoredBlock that the tensor lies in, or -1.
  int block = -1;

  // Product of the shape.
  int64_t elements() const;
  // Bytes of the elements one after the other.
  uint64_t bytes() const { return static_cast<uint64_t>(elements()) * DTypeSize(dtype); }
};

// Bytes of a file with a check sum, which is compared when they are read.
struct StoredBlock {
  enum class Sum { kCrc32, kCrc32c };
  size_t file = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  Sum kind = Sum::kCrc32;
  uint32_t sum = 0;
  std::string name;  // for messages: "archive/data/0"
};

// Invariants: names differ; every tensor lies in its file, and in its block when it has one.
struct WeightTable {
  std::vector<TensorInfo> tensors;  // in any order
  std::vector<StoredBlock> blocks;
  std::map<std::string, std::string> metadata;
  // Names of what is no tensor: numbers, texts and lists beside the tensors.
  std::vector<std::string> others;
  // The bytes stand as WriteSafetensors places them: the file may be mapped.
  bool written_by_graft = false;
};

// "F32 of shape [2, 3]".
std::string Describe(DType dtype, const std::vector<int64_t>& shape);

// The bytes that elements of this type and shape take in a row: nullopt when that is 2^63 or more.
std::optional<uint64_t> ShapeBytes(DType dtype, const std::vector<int64_t>& shape);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_WEIGHT_TABLE_H_
