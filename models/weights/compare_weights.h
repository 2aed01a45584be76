// Two sets of weights, tensor by tensor.
#ifndef GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_
#define GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
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
  // for floating-point numbers the largest |a - b| (as double, which holds all their types); NaN
  // where only one is a NaN. Of one type they differ when their bits do, of two types when their
  // numbers do: -0 is not 0, and one NaN as good as another.
  int64_t different = 0;
  int64_t first_different = 0;
  std::optional<double> largest_difference;
};

// A tensor under the name by which it is compared.
struct NamedWeight {
  std::string name;
  const WeightFiles* weights = nullptr;
  const TensorInfo* tensor = nullptr;
};

// Compares all tensors by name, in the order of the names, and hands each comparison over. Two
// tensors at a time are in memory, as they are stored. Thread-safe.
absl::Status CompareWeights(const WeightFiles& first, const WeightFiles& second,
                            const std::function<void(const TensorComparison&)>& report);
// The same for tensors of several files, each side sorted by name; how often they share bytes is
// the caller's to check.
absl::Status CompareWeights(absl::Span<const NamedWeight> first,
                            absl::Span<const NamedWeight> second,
                            const std::function<void(const TensorComparison&)>& report);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_COMPARE_WEIGHTS_H_
