#include "models/weights/dtype.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace graft {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
  size_t size;
};

// In the order of the enumeration.
constexpr Entry kEntries[] = {
    {DType::kF64, "F64", 8},        {DType::kF32, "F32", 4},        {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2},      {DType::kF8E4M3, "F8_E4M3", 1}, {DType::kF8E5M2, "F8_E5M2", 1},
    {DType::kF8E8M0, "F8_E8M0", 1}, {DType::kI64, "I64", 8},        {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},        {DType::kI8, "I8", 1},          {DType::kU64, "U64", 8},
    {DType::kU32, "U32", 4},        {DType::kU16, "U16", 2},        {DType::kU8, "U8", 1},
    {DType::kBool, "BOOL", 1}};

static_assert([] {
  for (size_t i = 0; i < std::size(kEntries); ++i) {
    if (kEntries[i].dtype != static_cast<DType>(i)) return false;
  }
  return std::size(kEntries) == static_cast<size_t>(DType::kBool) + 1;
}());

const Entry& EntryOf(DType dtype) { return kEntries[static_cast<size_t>(dtype)]; }

}  // namespace

std::string_view DTypeName(DType dtype) { return EntryOf(dtype).name; }
size_t DTypeSize(DType dtype) { return EntryOf(dtype).size; }

std::optional<DType> DTypeOfName(std::string_view name) {
  const auto* found = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [&](const Entry& entry) { return entry.name == name; });
  if (found == std::end(kEntries)) return std::nullopt;
  return found->dtype;
}

bool IsFloatingPoint(DType dtype) {
  return dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kF16 ||
         dtype == DType::kBF16 || IsFloat8(dtype);
}

bool IsFloat8(DType dtype) {
  return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2 || dtype == DType::kF8E8M0;
}

std::string_view WhyTypeIsNotRead(std::string_view name) {
  constexpr std::string_view kBits4 = ", whose elements take 4 bits";
  constexpr std::string_view kBits6 = ", whose elements take 6 bits";
  constexpr std::string_view kNoNegativeZero =
      ", whose numbers are not those of the type without UZ";
  constexpr std::string_view kComplex = ", whose elements are pairs of numbers";
  constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"F4", kBits4},
      {"float4_e2m1fn_x2", kBits4},
      {"F6_E2M3", kBits6},
      {"F6_E3M2", kBits6},
      {"F8_E4M3FNUZ", kNoNegativeZero},
      {"F8_E5M2FNUZ", kNoNegativeZero},
      {"float8_e4m3fnuz", kNoNegativeZero},
      {"float8_e5m2fnuz", kNoNegativeZero},
      {"C64", kComplex},
      {"ComplexFloatStorage", kComplex},
      {"ComplexDoubleStorage", kComplex},
  };
  for (const auto& [known, reason] : kReasons) {
    if (known == name) return reason;
  }
  return "";
}

std::string_view DTypeNames() {
  return "F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, I64, I32, I16, I8, U64, U32, U16, U8, "
         "BOOL";
}

}  // namespace graft
