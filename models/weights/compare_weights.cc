#include "models/weights/compare_weights.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/status/status_macros.h"
#include "base/hash.h"
#include "models/weights/float_conversion.h"

namespace graft {
namespace {

absl::StatusOr<std::string> Bytes(const NamedWeight& weight) {
  std::string bytes(weight.tensor->bytes(), '\0');
  ABSL_RETURN_IF_ERROR(weight.weights->ReadBytes(*weight.tensor, absl::MakeSpan(bytes)));
  return bytes;
}

template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// A stored floating-point number, exactly.
double NumberAt(const char* bytes, DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return HalfToFloat(Load<uint16_t>(bytes));
    case DType::kBF16:
      return BFloat16ToFloat(Load<uint16_t>(bytes));
    case DType::kF8E4M3:
      return E4M3ToFloat(Load<uint8_t>(bytes));
    case DType::kF8E5M2:
      return E5M2ToFloat(Load<uint8_t>(bytes));
    case DType::kF8E8M0:
      return E8M0ToFloat(Load<uint8_t>(bytes));
    case DType::kF32:
      return Load<float>(bytes);
    default:
      return Load<double>(bytes);
  }
}

double Difference(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  return std::abs(a - b);
}

bool SameNumber(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

// Elements that differ. Of two types both are floating-point ones.
void CompareElements(const std::string& first, const std::string& second,
                     TensorComparison& comparison) {
  const DType a = comparison.first->dtype, b = comparison.second->dtype;
  const size_t size_a = DTypeSize(a), size_b = DTypeSize(b);
  const bool numbers = IsFloatingPoint(a);
  double largest = 0;
  for (size_t i = 0; i * size_a < first.size(); ++i) {
    const char *at_a = &first[i * size_a], *at_b = &second[i * size_b];
    if (a == b && std::memcmp(at_a, at_b, size_a) == 0) continue;
    const double number_a = numbers ? NumberAt(at_a, a) : 0;
    const double number_b = numbers ? NumberAt(at_b, b) : 0;
    if (a != b && SameNumber(number_a, number_b)) continue;
    if (comparison.different++ == 0) comparison.first_different = static_cast<int64_t>(i);
    const double difference = Difference(number_a, number_b);
    // A NaN stays: no comparison with it is true.
    if (!(difference <= largest) && !std::isnan(largest)) largest = difference;
  }
  if (numbers && comparison.different > 0) comparison.largest_difference = largest;
}

absl::Status Compare(const NamedWeight& first, const NamedWeight& second,
                     TensorComparison& comparison) {
  ABSL_ASSIGN_OR_RETURN(const std::string a, Bytes(first));
  ABSL_ASSIGN_OR_RETURN(const std::string b, Bytes(second));
  comparison.first_sum = HashBytes(a);
  comparison.second_sum = HashBytes(b);
  const DType type = comparison.first->dtype, other = comparison.second->dtype;
  if (comparison.first->shape != comparison.second->shape) {
    comparison.verdict = TensorVerdict::kOtherShape;
    return absl::OkStatus();
  }
  if (type == other && a == b) return absl::OkStatus();
  // Of two types that are not both floating-point only this much is said.
  if (type == other || (IsFloatingPoint(type) && IsFloatingPoint(other))) {
    CompareElements(a, b, comparison);
  }
  comparison.verdict =
      comparison.different > 0 ? TensorVerdict::kOtherValues : TensorVerdict::kOtherType;
  return absl::OkStatus();
}

std::vector<NamedWeight> AllOf(const WeightFiles& weights) {
  std::vector<NamedWeight> all;
  all.reserve(weights.tensors().size());
  for (const TensorInfo& tensor : weights.tensors()) {
    all.push_back({tensor.name, &weights, &tensor});
  }
  return all;
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
  for (const WeightFiles* weights : {&first, &second}) {
    ABSL_RETURN_IF_ERROR(weights->CheckSharing());
  }
  return CompareWeights(AllOf(first), AllOf(second), report);
}

absl::Status CompareWeights(absl::Span<const NamedWeight> first,
                            absl::Span<const NamedWeight> second,
                            const std::function<void(const TensorComparison&)>& report) {
  for (size_t i = 0, j = 0; i < first.size() || j < second.size();) {
    TensorComparison comparison;
    const bool in_first =
        i < first.size() && (j == second.size() || first[i].name <= second[j].name);
    const bool in_second =
        j < second.size() && (i == first.size() || second[j].name <= first[i].name);
    const NamedWeight& weight = in_first ? first[i] : second[j];
    comparison.name = weight.name;
    if (in_first) comparison.first = first[i].tensor;
    if (in_second) comparison.second = second[j].tensor;
    if (in_first && in_second) {
      ABSL_RETURN_IF_ERROR(Compare(first[i], second[j], comparison));
    } else {
      ABSL_ASSIGN_OR_RETURN(const std::string bytes, Bytes(weight));
      (in_first ? comparison.first_sum : comparison.second_sum) = HashBytes(bytes);
      comparison.verdict = in_first ? TensorVerdict::kOnlyFirst : TensorVerdict::kOnlySecond;
    }
    i += in_first ? 1 : 0;
    j += in_second ? 1 : 0;
    report(comparison);
  }
  return absl::OkStatus();
}

}  // namespace graft
