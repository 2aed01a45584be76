// Two sets of weights, tensor by tensor.
#ifndef GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_
#define GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "models/weights/weight_files.h"

namespace graft {

enum class TensorVerdict {
  kEqual,       // type, shape and every bit
  kOtherType,   // and, if both are floating-point types, the same numbers
  kOtherShape,  // nothing more is compared
  kOtherValues,
  kOnlyFirst,  // the second has no tensor of this name
  kOnlySecond,
};

// "equal", "other type", ...
std::string_view TensorVerdictName(TensorVerdict verdict);

// One name, in either or both.
struct TensorComparison {
  std::string name;
  const TensorInfo* first = nullptr;
  const TensorInfo* second = nullptr;
  // Hashes (base/hash.h) of the elements row by row, as they are stored; empty where there is no
  // tensor.
  std::string first_sum, second_sum;
  TensorVerdict verdict = TensorVerdict::kEqual;
  // Of kOtherValues: how many elements differ, the number of the first of them (row by row), and
  // for floating-point numbers the largest |a - b| as float32 numbers; NaN where only one is a NaN.
  int64_t different = 0;
  int64_t first_different = 0;
  std::optional<double> largest_difference;
};

// Compares all tensors by name, in the order of the names, and hands each comparison over. Two
// tensors at a time are in memory. Thread-safe.
absl::Status CompareWeights(const WeightFiles& first, const WeightFiles& second,
                            const std::function<void(const TensorComparison&)>& report);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_
