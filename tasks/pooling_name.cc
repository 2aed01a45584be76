#include "tasks/pooling_name.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace graft {
namespace {

constexpr std::array<std::pair<Pooling, std::string_view>, 4> kPoolingNames = {
    {{Pooling::kCls, "cls"},
     {Pooling::kMean, "mean"},
     {Pooling::kMax, "max"},
     {Pooling::kLast, "last"}}};

}  // namespace

std::string_view PoolingName(Pooling pooling) {
  for (const auto& [value, name] : kPoolingNames) {
    if (value == pooling) return name;
  }
  return "";
}

absl::StatusOr<Pooling> ParsePooling(std::string_view name) {
  for (const auto& [value, known] : kPoolingNames) {
    if (known == name) return value;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("pooling: expected cls, mean, max or last, found '", name, "'"));
}

}  // namespace graft
