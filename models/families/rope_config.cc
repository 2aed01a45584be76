#include "models/families/rope_config.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace graft {
namespace {

constexpr double kMaxTheta = 1e12, kMaxFactor = 1e6;

void Refuse(ConfigReader& reader, const JsonValue& at, std::string_view message) {
  reader.Fail(absl::UnimplementedError(at.Error(message).message()));
}

template <typename T>
T Take(ConfigReader& reader, const absl::StatusOr<T>& value, T absent) {
  if (value.ok()) return *value;
  reader.Fail(value.status());
  return absent;
}

std::string TypeOf(ConfigReader& reader, const JsonValue& rope) {
  const std::string_view older =
      Take<std::string_view>(reader, rope.GetString("type", "default"), "default");
  return std::string(Take<std::string_view>(reader, rope.GetString("rope_type", older), "default"));
}

// Members that no type of rotation has would be ignored.
void CheckMembers(ConfigReader& reader, const JsonValue& rope, bool scaled) {
  const auto members = rope.AsObject();
  if (!members.ok()) return reader.Fail(members.status());
  for (const auto& [key, value] : *members) {
    const bool known =
        key == "rope_type" || key == "type" || key == "rope_theta" || (scaled && key == "factor");
    if (!known && !value.is_null()) {
      Refuse(reader, rope, absl::StrCat("expected no ", Quoted(key), ", found one"));
    }
  }
}

bool Empty(const JsonValue& object) {
  const auto members = object.AsObject();
  return members.ok() && members->empty();
}

}  // namespace

RopeConfig ReadRope(ConfigReader& reader, const std::optional<JsonValue>& rope, double theta) {
  if (!rope) return {.theta = theta};
  const std::string type = TypeOf(reader, *rope);
  const bool scaled = type == "linear";
  if (!scaled && type != "default") {
    Refuse(reader, *rope,
           absl::StrCat("rope_type: expected 'default' or 'linear', found ", Quoted(type)));
    return {.theta = theta};
  }
  CheckMembers(reader, *rope, scaled);
  RopeConfig read;
  read.theta = Take(reader, rope->GetDouble("rope_theta", 1, kMaxTheta, theta), theta);
  if (scaled) {
    const auto factor = rope->Get("factor");
    read.divisor = factor.ok() ? Take(reader, factor->AsDouble(1, kMaxFactor), 1.0)
                               : Take(reader, absl::StatusOr<double>(factor.status()), 1.0);
  }
  return read;
}

RopeConfig ReadRope(ConfigReader& reader, double theta) {
  theta = reader.Number("rope_theta", 1, kMaxTheta, theta);
  if (reader.Number("partial_rotary_factor", 0, 1, 1) != 1) {
    reader.Uncomputed("partial_rotary_factor", "expected 1, found another");
  }
  const auto older = reader.root().Find("rope_scaling");
  if (older && !Empty(*older)) return ReadRope(reader, older, theta);
  return ReadRope(reader, reader.root().Find("rope_parameters"), theta);
}

void CheckRotaryWidth(ConfigReader& reader, std::string_view key, int64_t width) {
  if (width % 2 == 0) return;
  reader.Fail(key, absl::StrCat("expected heads of an even width, found ", width));
}

}  // namespace graft
