#include "tokenizers/files/component_row.h"

#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {

absl::StatusOr<bool> GetBool(const JsonValue& object, std::string_view key) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, object.Get(key));
  return value.AsBool();
}

absl::StatusOr<Pattern> ReadPattern(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue pattern, object.Get("pattern"));
  const auto fixed = pattern.Find("String");
  const auto expression = pattern.Find("Regex");
  if (fixed.has_value() == expression.has_value()) {
    return pattern.Error("expected either 'String' or 'Regex'");
  }
  if (fixed) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, fixed->AsString());
    return Pattern{std::string(text)};
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, expression->AsString());
  absl::StatusOr<Regex> regex = Regex::Compile(text);
  if (!regex.ok()) return expression->Error(regex.status().message());
  return Pattern{*std::move(regex)};
}

absl::StatusOr<std::string_view> GetInsertion(const JsonValue& object, std::string_view key) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, object.Get(key));
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
  if (text.size() <= kMaxTokenBytes) return text;
  return value.Error(
      absl::StrCat("expected at most ", kMaxTokenBytes, " bytes, found ", text.size()));
}

absl::StatusOr<char32_t> GetChar(const JsonValue& object, std::string_view key, char32_t absent) {
  const auto value = object.Find(key);
  if (!value) return absent;
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, value->AsString());
  if (CountUtf8(text) != 1) {
    return value->Error(absl::StrCat("expected one character, found ", Quoted(text)));
  }
  return DecodeUtf8(text).code;
}

absl::StatusOr<Metaspace::Prepend> ReadPrependScheme(const JsonValue& object) {
  const auto scheme = object.Find("prepend_scheme");
  if (!scheme) {
    ABSL_ASSIGN_OR_RETURN(const bool prefix, object.GetBool("add_prefix_space", true));
    return prefix ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, scheme->AsString());
  if (name == "always") return Metaspace::Prepend::kAlways;
  if (name == "first") return Metaspace::Prepend::kFirst;
  if (name == "never") return Metaspace::Prepend::kNever;
  return scheme->Error(absl::StrCat("expected 'always', 'first' or 'never', found '", name, "'"));
}

}  // namespace graft
