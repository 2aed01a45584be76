#include "models/weights/compare_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/status/status_macros.h"
#include "base/hash.h"

namespace graft {
namespace {

absl::StatusOr<std::string> Bytes(const WeightFiles& weights, const TensorInfo& tensor) {
  std::string bytes(tensor.bytes(), '\0');
  ABSL_RETURN_IF_ERROR(weights.ReadBytes(tensor, absl::MakeSpan(bytes)));
  return bytes;
}

void CompareBytes(const std::string& first, const std::string& second, size_t size,
                  TensorComparison& comparison) {
  for (size_t i = 0; i * size < first.size(); ++i) {
    if (std::memcmp(&first[i * size], &second[i * size], size) == 0) continue;
    if (comparison.different++ == 0) comparison.first_different = static_cast<int64_t>(i);
  }
}

absl::Status CompareFloats(const WeightFiles& first, const WeightFiles& second,
                           TensorComparison& comparison) {
  std::vector<float> a(static_cast<size_t>(comparison.first->elements())), b(a.size());
  ABSL_RETURN_IF_ERROR(first.ReadAsFloat(*comparison.first, absl::MakeSpan(a)));
  ABSL_RETURN_IF_ERROR(second.ReadAsFloat(*comparison.second, absl::MakeSpan(b)));
  double largest = 0;
  int64_t different = 0, first_different = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint32_t>(a[i]) == std::bit_cast<uint32_t>(b[i])) continue;
    if (different++ == 0) first_different = static_cast<int64_t>(i);
    const double difference =
        a[i] == b[i] ? 0 : std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    // A NaN stays: no comparison with it is true.
    if (!(difference <= largest) && !std::isnan(largest)) largest = difference;
  }
  // Numbers of F64 may differ by less than float32 shows.
  if (different > 0) comparison.largest_difference = largest;
  if (comparison.different == 0) {
    comparison.different = different;
    comparison.first_different = first_different;
  }
  return absl::OkStatus();
}

absl::Status Compare(const WeightFiles& first, const WeightFiles& second,
                     TensorComparison& comparison) {
  ABSL_ASSIGN_OR_RETURN(const std::string a, Bytes(first, *comparison.first));
  ABSL_ASSIGN_OR_RETURN(const std::string b, Bytes(second, *comparison.second));
  comparison.first_sum = HashBytes(a);
  comparison.second_sum = HashBytes(b);
  const DType type = comparison.first->dtype, other = comparison.second->dtype;
  if (comparison.first->shape != comparison.second->shape) {
    comparison.verdict = TensorVerdict::kOtherShape;
    return absl::OkStatus();
  }
  if (type == other && a == b) return absl::OkStatus();
  if (type == other) CompareBytes(a, b, DTypeSize(type), comparison);
  const bool floats = IsFloatingPoint(type) && IsFloatingPoint(other);
  if (floats) ABSL_RETURN_IF_ERROR(CompareFloats(first, second, comparison));
  // Of two types that are not both floating-point only this much is said.
  const bool only_type = type != other && comparison.different == 0;
  comparison.verdict = only_type ? TensorVerdict::kOtherType : TensorVerdict::kOtherValues;
  return absl::OkStatus();
}

}  // namespace

std::string_view TensorVerdictName(TensorVerdict verdict) {
  // In the order of the enumeration.
  constexpr std::string_view kNames[] = {"equal",        "other type",        "other shape",
                                         "other values", "only in the first", "only in the second"};
  return kNames[static_cast<size_t>(verdict)];
}

absl::Status CompareWeights(const WeightFiles& first, const WeightFiles& second,
                            const std::function<void(const TensorComparison&)>& report) {
  const std::vector<TensorInfo>&a = first.tensors(), &b = second.tensors();
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    TensorComparison comparison;
    const bool in_first = i < a.size() && (j == b.size() || a[i].name <= b[j].name);
    const bool in_second = j < b.size() && (i == a.size() || b[j].name <= a[i].name);
    if (in_first) comparison.first = &a[i++];
    if (in_second) comparison.second = &b[j++];
    comparison.name = in_first ? comparison.first->name : comparison.second->name;
    if (in_first && in_second) {
      ABSL_RETURN_IF_ERROR(Compare(first, second, comparison));
    } else {
      const WeightFiles& weights = in_first ? first : second;
      ABSL_ASSIGN_OR_RETURN(const std::string bytes,
                            Bytes(weights, in_first ? *comparison.first : *comparison.second));
      (in_first ? comparison.first_sum : comparison.second_sum) = HashBytes(bytes);
      comparison.verdict = in_first ? TensorVerdict::kOnlyFirst : TensorVerdict::kOnlySecond;
    }
    report(comparison);
  }
  return absl::OkStatus();
}

}  // namespace graft
