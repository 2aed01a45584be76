#include "tokenizers/regex.h"

#include <unicode/uregex.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tokenizers/normalizers/normalized_text.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

// ICU counts in units of 10,000 steps of backtracking, each a tenth of a millisecond or two; a
// search of less counts as none. What short texts get grows quickly, as they come in great numbers.
// Patterns in use take some tens of steps per byte.
constexpr size_t kUnitsPerText = 64;
constexpr size_t kMostUnitsOfShortTexts = 2000;
constexpr size_t kBytesPerUnit = 64;
constexpr int32_t kStackLimitBytes = 8 << 20;
// `$` and `^` at lines, which end at U+000A alone, as in Ruby's syntax.
constexpr uint32_t kFlags = UREGEX_MULTILINE | UREGEX_UNIX_LINES;

// What Ruby's syntax means by an escape, as the inside of a set; nothing where ICU means the same.
std::string_view RubyEscape(char letter) {
  if (letter == 'w' || letter == 'W') return "\\p{L}\\p{M}\\p{N}\\p{Pc}";
  if (letter == 'h' || letter == 'H') return "0-9a-fA-F";
  return "";
}

// The pattern in ICU's syntax.
std::string Translate(std::string_view pattern) {
  std::string out;
  bool in_group_options = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char letter = pattern[++i];
      const std::string_view meaning = RubyEscape(letter);
      if (meaning.empty()) {
        absl::StrAppend(&out, "\\", std::string_view(&letter, 1));
      } else {
        absl::StrAppend(&out, letter < 'a' ? "[^" : "[", meaning, "]");
      }
      continue;
    }
    if (c == '(' && pattern.substr(i + 1).starts_with('?')) in_group_options = true;
    if (c == ')' || c == ':' || c == '<' || c == '=' || c == '!') in_group_options = false;
    // Ruby's (?m) is what others call (?s): the dot matches a line feed.
    out += in_group_options && c == 'm' ? 's' : c;
  }
  return out;
}

// What ICU gives back to CountUnit.
struct Meter {
  int64_t* units_left;
};

UBool U_CALLCONV CountUnit(const void* meter, int32_t /*units_of_search*/) {
  int64_t& left = *static_cast<const Meter*>(meter)->units_left;
  --left;
  return static_cast<UBool>(left > 0);
}

}  // namespace

void Regex::Close::operator()(URegularExpression* regex) const { uregex_close(regex); }

Regex::Regex(URegularExpression* regex, std::string source)
    : regex_(regex), source_(std::move(source)) {
  SetLimits();
}

Regex::Regex(const Regex& other) : source_(other.source_) {
  UErrorCode error = U_ZERO_ERROR;
  regex_.reset(uregex_clone(other.regex_.get(), &error));
  ABSL_CHECK(U_SUCCESS(error)) << u_errorName(error);
  SetLimits();
}

void Regex::SetLimits() {
  UErrorCode error = U_ZERO_ERROR;
  uregex_setStackLimit(regex_.get(), kStackLimitBytes, &error);
  ABSL_CHECK(U_SUCCESS(error)) << u_errorName(error);
  units_left_ = kMostUnitsOfShortTexts;
}

void Regex::BeginText(size_t bytes) {
  units_left_ = static_cast<int64_t>(std::min(kUnitsPerText + bytes, kMostUnitsOfShortTexts) +
                                     bytes / kBytesPerUnit);
}

absl::StatusOr<Regex> Regex::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected a pattern of at most ", kMaxPatternBytes, " bytes, found ", pattern.size()));
  }
  std::u16string units;
  const std::string translated = Translate(pattern);
  for (size_t at = 0; at < translated.size();) {
    const Utf8Char c = DecodeUtf8(std::string_view(translated).substr(at));
    at += static_cast<size_t>(c.length);
    char16_t pair[2];
    size_t length = 0;
    U16_APPEND_UNSAFE(pair, length, c.code);
    units.append(pair, length);
  }
  UErrorCode error = U_ZERO_ERROR;
  UParseError place = {};
  URegularExpression* regex =
      uregex_open(units.data(), static_cast<int32_t>(units.size()), kFlags, &place, &error);
  if (U_SUCCESS(error)) return Regex(regex, std::string(pattern));
  uregex_close(regex);
  return absl::InvalidArgumentError(absl::StrCat("expected a regular expression, found ",
                                                 Quoted(pattern), ": ", u_errorName(error)));
}

void Regex::Convert(std::string_view text) {
  units_.clear();
  places_.clear();
  for (size_t at = 0; at < text.size();) {
    const uint32_t place = static_cast<uint32_t>(at);
    if (static_cast<uint8_t>(text[at]) < 0x80) {
      units_.push_back(static_cast<char16_t>(text[at++]));
      places_.push_back(place);
      continue;
    }
    const char32_t code = PatternStandIn(CharAt(text.substr(at)));
    at += CharLength(text[at]);
    if (code < 0x10000) {
      units_.push_back(static_cast<char16_t>(code));
    } else {
      units_.push_back(U16_LEAD(code));
      units_.push_back(U16_TRAIL(code));
      places_.push_back(place);
    }
    places_.push_back(place);
  }
  places_.push_back(static_cast<uint32_t>(text.size()));
}

const std::vector<Span>& Regex::Find(std::string_view text) {
  matches_.clear();
  if (exhausted()) return matches_;
  Convert(text);
  UErrorCode error = U_ZERO_ERROR;
  const Meter meter{&units_left_};
  uregex_setMatchCallback(regex_.get(), CountUnit, &meter, &error);
  uregex_setText(regex_.get(), units_.data(), static_cast<int32_t>(units_.size()), &error);
  while (U_SUCCESS(error) && uregex_findNext(regex_.get(), &error)) {
    const int32_t begin = uregex_start(regex_.get(), 0, &error);
    const int32_t end = uregex_end(regex_.get(), 0, &error);
    const Span match{places_[static_cast<size_t>(begin)], places_[static_cast<size_t>(end)]};
    if (match.begin == match.end && !matches_.empty() && matches_.back().end == match.end) {
      continue;
    }
    matches_.push_back(match);
  }
  if (U_FAILURE(error)) units_left_ = 0;
  return matches_;
}

}  // namespace graft
