#include "models/weights/dtype.h"

#include <algorithm>
#include <iterator>

namespace graft {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
  size_t size;
};

// In the order of the enumeration.
constexpr Entry kEntries[] = {
    {DType::kF64, "F64", 8},   {DType::kF32, "F32", 4}, {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2}, {DType::kI64, "I64", 8}, {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},   {DType::kI8, "I8", 1},   {DType::kU64, "U64", 8},
    {DType::kU32, "U32", 4},   {DType::kU16, "U16", 2}, {DType::kU8, "U8", 1},
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
         dtype == DType::kBF16;
}

std::string_view DTypeNames() {
  return "F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL";
}

}  // namespace graft
