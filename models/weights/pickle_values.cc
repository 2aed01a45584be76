#include "models/weights/pickle_values.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/weights/pickle_globals.h"

namespace graft {

using Kind = PickleValue::Kind;

std::vector<PickleItem> Pickle::Items(PickleId id) const {
  std::vector<PickleItem> items;
  items.reserve(value(id).count);
  for (uint32_t at = value(id).first; at != kNoPickleItem; at = items_[at].next) {
    items.push_back(items_[at]);
  }
  return items;
}

std::string Pickle::Describe(PickleId id) const {
  const PickleValue& shown = value(id);
  switch (shown.kind) {
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return shown.number != 0 ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat("the integer ", shown.number);
    case Kind::kBigInt:
      return absl::StrCat("an integer of ", shown.count, " bytes");
    case Kind::kFloat:
      return "a floating-point number";
    case Kind::kText:
      return absl::StrCat("the text ", Quoted(Bytes(id)));
    case Kind::kTuple:
      return absl::StrCat("a tuple of ", shown.count);
    case Kind::kList:
      return absl::StrCat("a list of ", shown.count);
    case Kind::kDict:
    case Kind::kOrderedDict:
      return absl::StrCat("a dictionary of ", shown.count);
    case Kind::kGlobal:
      return absl::StrCat("the global '", PickleGlobals()[shown.first].name, "'");
    case Kind::kStorage:
      return "a storage";
    default:
      return "a tensor";
  }
}

absl::StatusOr<PickleId> Pickle::Add(const PickleValue& value) {
  if (values_.size() == kMaxPickleValues) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxPickleValues, " values, found more"));
  }
  values_.push_back(value);
  return static_cast<PickleId>(values_.size() - 1);
}

absl::Status Pickle::AppendItem(PickleId container, PickleId key, PickleId value) {
  if (items_.size() == kMaxPickleItems) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxPickleItems, " items, found more"));
  }
  PickleValue& into = values_[container];
  const uint8_t key_depth = IsDictionary(container) ? values_[key].depth : 0;
  const uint8_t depth = std::max(values_[value].depth, key_depth);
  if (container != value) into.depth = std::max(into.depth, static_cast<uint8_t>(depth + 1));
  if (into.depth > kMaxPickleDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected values of at most ", kMaxPickleDepth, " levels, found more"));
  }
  const auto number = static_cast<uint32_t>(items_.size());
  items_.push_back({key, value, kNoPickleItem});
  (into.count == 0 ? into.first : items_[into.last].next) = number;
  into.last = number;
  ++into.count;
  return absl::OkStatus();
}

}  // namespace graft
