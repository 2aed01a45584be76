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
// them; as doubles they are read.
std::string MarkHugeIntegers(std::string_view text) {
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

absl::Status CheckKeys(element value, const std::string& source, const std::string& path) {
  if (value.is_array()) {
    for (const element item : simdjson::dom::array(value)) {
      if (item.is_array() || item.is_object()) {
        ABSL_RETURN_IF_ERROR(CheckKeys(item, source, path));
      }
    }
    return absl::OkStatus();
  }
  absl::flat_hash_set<std::string_view> seen;
  for (const auto& [key, item] : simdjson::dom::object(value)) {
    if (!seen.insert(key).second) {
      return absl::DataLossError(
          absl::StrCat(source, ": ", Below(path, key), ": expected one such key, found a second"));
    }
    if (item.is_array() || item.is_object()) {
      ABSL_RETURN_IF_ERROR(CheckKeys(item, source, Below(path, key)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

struct JsonDocument::Parsed {
  simdjson::error_code Read(std::string_view text) {
    if (auto error = parser.allocate(std::max<size_t>(text.size(), 1), kMaxDepth)) return error;
    return parser.parse(text.data(), text.size()).get(root);
  }

  std::string source;
  simdjson::dom::parser parser;
  element root;
};

absl::StatusOr<JsonDocument> JsonDocument::Parse(std::string_view text, std::string source) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    return absl::DataLossError(
        absl::StrCat(source, ": byte 0: expected JSON, found a byte-order mark"));
  }
  auto parsed = std::make_shared<Parsed>();
  parsed->source = std::move(source);
  if (simdjson::error_code error = parsed->Read(text)) {
    const std::string marked = MarkHugeIntegers(text);
    if (marked.size() == text.size() || parsed->Read(marked)) {
      return SyntaxError(text, parsed->source, error);
    }
  }
  if (parsed->root.is_array() || parsed->root.is_object()) {
    ABSL_RETURN_IF_ERROR(CheckKeys(parsed->root, parsed->source, ""));
  }
  return JsonDocument(std::move(parsed));
}

absl::StatusOr<JsonDocument> JsonDocument::Load(const std::string& path, uint64_t max_bytes) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  return Parse(text, path);
}

JsonValue JsonDocument::root() const { return JsonValue(&parsed_->source, "", parsed_->root); }

JsonValue JsonValue::Child(std::string_view key, element value) const {
  return JsonValue(source_, Below(path_, key), value);
}

absl::Status JsonValue::Error(std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(*source_, ": ", path_, path_.empty() ? "" : ": ", message));
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

absl::StatusOr<std::vector<JsonValue>> JsonValue::AsArray() const {
  if (!is_array()) return Error(absl::StrCat("expected an array, found ", Describe()));
  std::vector<JsonValue> items;
  for (const element item : simdjson::dom::array(element_)) {
    items.push_back(Child(absl::StrCat("[", items.size(), "]"), item));
  }
  return items;
}

absl::StatusOr<std::vector<std::pair<std::string_view, JsonValue>>> JsonValue::AsObject() const {
  if (!is_object()) return Error(absl::StrCat("expected an object, found ", Describe()));
  std::vector<std::pair<std::string_view, JsonValue>> members;
  for (const auto& [key, value] : simdjson::dom::object(element_)) {
    members.emplace_back(key, Child(key, value));
  }
  return members;
}

std::optional<JsonValue> JsonValue::Find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  element value;
  if (simdjson::dom::object(element_).at_key(key).get(value)) return std::nullopt;
  if (value.is_null()) return std::nullopt;
  return Child(key, value);
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
