#include "base/json.h"

#include <cmath>
#include <limits>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr size_t kMaxDepth = 64;

// simdjson does not say where a text goes wrong; nlohmann's iterative SAX parser does. Only run on
// refused texts.
class ErrorPlace : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return ++depth_ <= kMaxDepth; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return depth_-- > 0; }
  bool start_array(size_t) override { return ++depth_ <= kMaxDepth; }
  bool end_array() override { return depth_-- > 0; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position > 0 ? position - 1 : 0;
    return false;
  }
  std::optional<size_t> position() const { return position_; }
  bool too_deep() const { return depth_ > kMaxDepth; }

 private:
  size_t depth_ = 0;
  std::optional<size_t> position_;
};

absl::Status TooDeep(const std::string& source) {
  return absl::DataLossError(absl::StrCat(source, ": expected JSON nested at most ", kMaxDepth,
                                          " levels deep, found it nested deeper"));
}

absl::Status SyntaxError(std::string_view text, const std::string& source,
                         simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) return TooDeep(source);
  if (code == simdjson::MEMALLOC || code == simdjson::CAPACITY) {
    return absl::ResourceExhaustedError(absl::StrCat(source, ": ", simdjson::error_message(code)));
  }
  if (const auto at = FindInvalidUtf8(text)) {
    return absl::DataLossError(
        absl::StrCat(source, ": byte ", *at, ": expected UTF-8, found an ill-formed sequence"));
  }
  ErrorPlace place;
  nlohmann::json::sax_parse(text.begin(), text.end(), &place);
  if (place.too_deep()) return TooDeep(source);
  std::optional<size_t> at = place.position();
  // That parser takes a NUL for the end.
  if (const size_t nul = text.find('\0'); !at && nul != text.npos) at = nul;
  const std::string where = at ? absl::StrCat("byte ", *at, ": ") : "";
  return absl::DataLossError(
      absl::StrCat(source, ": ", where, "expected JSON, found: ", simdjson::error_message(code)));
}

// Whether 64 bits hold the integer of these digits.
bool Fits(std::string_view digits, bool negative) {
  const std::string_view largest = negative ? "9223372036854775808" : "18446744073709551615";
  if (digits.size() != largest.size()) return digits.size() < largest.size();
  return digits <= largest;
}

// The text with ".0" behind integers that 64 bits do not hold. JSON allows them, transformers
// writes "model_max_length": 1000000000000000019884624838656 for "no limit", and simdjson refuses
// them; as doubles they are read. A text of nothing but such numbers, which would grow, stays as it
// is.
std::string MarkHugeIntegers(std::string_view text) {
  constexpr size_t kMost = 1'000;
  size_t count = 0;
  constexpr std::string_view kDigits = "0123456789";
  std::string out;
  size_t copied = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    size_t next = i + 1;
    if (in_string && text[i] == '\\') {
      next = i + 2;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && kDigits.find(text[i]) != kDigits.npos) {
      next = std::min(text.find_first_not_of("0123456789.eE+-", i), text.size());
      const std::string_view number = text.substr(i, next - i);
      if (number.find_first_not_of(kDigits) == number.npos &&
          !Fits(number, i > 0 && text[i - 1] == '-')) {
        if (++count > kMost) return std::string(text);
        absl::StrAppend(&out, text.substr(copied, next - copied), ".0");
        copied = next;
      }
    }
    i = next;
  }
  return absl::StrCat(out, text.substr(copied));
}

// A path with one more key. Keys come from outside: odd ones are quoted, long ones cut.
std::string Below(std::string_view path, std::string_view key) {
  constexpr size_t kMaxKeyBytes = 100;
  const std::string quoted = Quoted(key, kMaxKeyBytes);
  const std::string_view shown = quoted.size() == key.size() + 2 ? key : quoted;
  return absl::StrCat(path, path.empty() ? "" : ".", shown);
}

// What the checks of a document look through, and where they are.
struct Place {
  const Place* outer;
  std::string_view key;  // empty inside an array

  std::string Path() const {
    if (outer == nullptr) return std::string(key);
    return key.empty() ? outer->Path() : Below(outer->Path(), key);
  }
};

class StructureCheck {
 public:
  StructureCheck(const std::string& source, size_t max_entries)
      : source_(source), max_entries_(max_entries) {}

  // Duplicate keys, and more entries than allowed, at any depth.
  absl::Status Check(element value, const Place& place) const {
    if (value.is_array()) return CheckArray(simdjson::dom::array(value), place);
    if (value.is_object()) return CheckObject(simdjson::dom::object(value), place);
    return absl::OkStatus();
  }

 private:
  absl::Status Error(absl::StatusCode code, const std::string& path,
                     std::string_view message) const {
    return {code, absl::StrCat(source_, ": ", path, path.empty() ? "" : ": ", message)};
  }

  absl::Status CheckSize(size_t size, const Place& place) const {
    if (size <= max_entries_) return absl::OkStatus();
    return Error(absl::StatusCode::kInvalidArgument, place.Path(),
                 absl::StrCat("expected at most ", max_entries_, " entries, found ", size));
  }

  absl::Status CheckArray(const simdjson::dom::array& items, const Place& place) const {
    ABSL_RETURN_IF_ERROR(CheckSize(items.size(), place));
    for (const element item : items) ABSL_RETURN_IF_ERROR(Check(item, place));
    return absl::OkStatus();
  }

  absl::Status CheckObject(const simdjson::dom::object& members, const Place& place) const {
    ABSL_RETURN_IF_ERROR(CheckSize(members.size(), place));
    absl::flat_hash_set<std::string_view> seen;
    seen.reserve(members.size());
    for (const auto& [key, item] : members) {
      if (!seen.insert(key).second) {
        return Error(absl::StatusCode::kDataLoss, Below(place.Path(), key),
                     "expected one such key, found a second");
      }
      if (item.is_array() || item.is_object()) {
        ABSL_RETURN_IF_ERROR(Check(item, Place{&place, key}));
      }
    }
    return absl::OkStatus();
  }

  const std::string& source_;
  const size_t max_entries_;
};

}  // namespace

struct JsonDocument::Parsed {
  explicit Parsed(std::string name) : source(std::move(name)) {}

  // The parser's own memory is not kept.
  simdjson::error_code Read(std::string_view text) {
    simdjson::dom::parser parser;
    if (auto error = parser.allocate(std::max<size_t>(text.size(), 1), kMaxDepth)) return error;
    return parser.parse_into_document(document, text.data(), text.size()).get(root);
  }

  std::string source;
  simdjson::dom::document document;
  element root;
};

absl::StatusOr<JsonDocument> JsonDocument::Parse(std::string_view text, const std::string& source,
                                                 size_t max_entries) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    return absl::DataLossError(
        absl::StrCat(source, ": byte 0: expected JSON, found a byte-order mark"));
  }
  auto parsed = std::make_shared<Parsed>(source);
  if (simdjson::error_code error = parsed->Read(text)) {
    parsed.reset();  // or its memory would be taken twice
    const std::string marked = MarkHugeIntegers(text);
    parsed = std::make_shared<Parsed>(source);
    if (marked.size() == text.size() || parsed->Read(marked)) {
      parsed.reset();
      return SyntaxError(text, source, error);
    }
  }
  ABSL_RETURN_IF_ERROR(
      StructureCheck(parsed->source, max_entries).Check(parsed->root, Place{nullptr, ""}));
  return JsonDocument(std::move(parsed));
}

absl::StatusOr<JsonDocument> JsonDocument::Load(const std::string& path, uint64_t max_bytes) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  return Parse(text, path);
}

JsonValue JsonDocument::root() const {
  return JsonValue(&parsed_->source, nullptr, {}, parsed_->root);
}

struct JsonValue::Outer {
  std::shared_ptr<const Outer> outer;
  Step step;
};

std::shared_ptr<const JsonValue::Outer> JsonValue::AsOuter() const {
  return std::make_shared<const Outer>(Outer{outer_, step_});
}

std::string JsonValue::path() const {
  std::vector<Step> steps;  // the last one first
  if (outer_ != nullptr) steps.push_back(step_);
  // The root, which has no step, is no value's outermost step.
  for (const Outer* outer = outer_.get(); outer != nullptr && outer->outer != nullptr;
       outer = outer->outer.get()) {
    steps.push_back(outer->step);
  }
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    path = step->key.data() != nullptr ? Below(path, step->key)
                                       : Below(path, absl::StrCat("[", step->index, "]"));
  }
  return path;
}

absl::Status JsonValue::Error(std::string_view message) const {
  const std::string at = path();
  return absl::InvalidArgumentError(
      absl::StrCat(*source_, ": ", at, at.empty() ? "" : ": ", message));
}

std::string JsonValue::Describe() const {
  switch (element_.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::NULL_VALUE:
      return "null";
    case element_type::BOOL:
      return static_cast<bool>(element_) ? "true" : "false";
    case element_type::STRING:
      return Quoted(static_cast<std::string_view>(element_));
    case element_type::INT64:
      return absl::StrCat(static_cast<int64_t>(element_));
    case element_type::UINT64:
      return absl::StrCat(static_cast<uint64_t>(element_));
    case element_type::DOUBLE: {
      const std::string digits = absl::StrCat(static_cast<double>(element_));
      // 36.0 is no integer, and says so.
      return digits.find_first_not_of("-0123456789") == digits.npos ? digits + ".0" : digits;
    }
  }
  return "something else";
}

absl::StatusOr<std::string_view> JsonValue::AsString() const {
  if (!is_string()) return Error(absl::StrCat("expected a string, found ", Describe()));
  return std::string_view(element_);
}

absl::StatusOr<int64_t> JsonValue::AsInt(int64_t min, int64_t max) const {
  if (element_.is_int64()) {
    const int64_t value = element_;
    if (value >= min && value <= max) return value;
  }
  return Error(absl::StrCat("expected an integer from ", min, " to ", max, ", found ", Describe()));
}

absl::StatusOr<double> JsonValue::AsDouble(double min, double max) const {
  if (element_.is_number()) {
    double value = 0;
    if (!element_.get_double().get(value) && value >= min && value <= max) return value;
  }
  return Error(absl::StrCat("expected a number from ", min, " to ", max, ", found ", Describe()));
}

absl::StatusOr<bool> JsonValue::AsBool() const {
  if (!is_bool()) return Error(absl::StrCat("expected true or false, found ", Describe()));
  return static_cast<bool>(element_);
}

size_t JsonValue::size() const {
  if (is_array()) return simdjson::dom::array(element_).size();
  return is_object() ? simdjson::dom::object(element_).size() : 0;
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::AsArray() const {
  if (!is_array()) return Error(absl::StrCat("expected an array, found ", Describe()));
  std::vector<JsonValue> items;
  items.reserve(size());
  const auto outer = AsOuter();
  for (const element item : simdjson::dom::array(element_)) {
    items.push_back(JsonValue(source_, outer, {.index = items.size()}, item));
  }
  return items;
}

absl::StatusOr<std::vector<std::pair<std::string_view, JsonValue>>> JsonValue::AsObject() const {
  if (!is_object()) return Error(absl::StrCat("expected an object, found ", Describe()));
  std::vector<std::pair<std::string_view, JsonValue>> members;
  members.reserve(size());
  const auto outer = AsOuter();
  for (const auto& [key, value] : simdjson::dom::object(element_)) {
    members.emplace_back(key, JsonValue(source_, outer, {.key = key}, value));
  }
  return members;
}

std::optional<JsonValue> JsonValue::Find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  for (const auto& [name, value] : simdjson::dom::object(element_)) {
    if (name != key) continue;
    if (value.is_null()) return std::nullopt;
    return JsonValue(source_, AsOuter(), {.key = name}, value);
  }
  return std::nullopt;
}

absl::StatusOr<JsonValue> JsonValue::Get(std::string_view key) const {
  if (!is_object()) return Error(absl::StrCat("expected an object, found ", Describe()));
  if (auto value = Find(key)) return *std::move(value);
  return Error(absl::StrCat("expected the key ", Quoted(key), ", found no such key"));
}

absl::StatusOr<std::string_view> JsonValue::GetString(std::string_view key) const {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsString();
}

absl::StatusOr<std::string_view> JsonValue::GetString(std::string_view key,
                                                      std::string_view absent) const {
  const auto value = Find(key);
  if (!value) return absent;
  return value->AsString();
}

absl::StatusOr<int64_t> JsonValue::GetInt(std::string_view key, int64_t min, int64_t max) const {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsInt(min, max);
}

absl::StatusOr<int64_t> JsonValue::GetInt(std::string_view key, int64_t min, int64_t max,
                                          int64_t absent) const {
  const auto value = Find(key);
  if (!value) return absent;
  return value->AsInt(min, max);
}

absl::StatusOr<double> JsonValue::GetDouble(std::string_view key, double min, double max,
                                            double absent) const {
  const auto value = Find(key);
  if (!value) return absent;
  return value->AsDouble(min, max);
}

absl::StatusOr<bool> JsonValue::GetBool(std::string_view key, bool absent) const {
  const auto value = Find(key);
  if (!value) return absent;
  return value->AsBool();
}

}  // namespace graft
