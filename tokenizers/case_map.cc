#include "tokenizers/case_map.h"

#include <unicode/ucasemap.h>

#include <algorithm>
#include <cstdint>

#include "absl/log/absl_check.h"
#include "absl/strings/ascii.h"
#include "base/utf8.h"

namespace graft {
namespace {

using Mapping = int32_t (*)(const UCaseMap*, char*, int32_t, const char*, int32_t, UErrorCode*);

constexpr size_t kMostPart = size_t{1} << 20;
// Bytes that one byte can become: U+0390 has two, its upper case six.
constexpr size_t kGrowth = 3;

const UCaseMap* NoLanguage() {
  static const UCaseMap* const map = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UCaseMap* const opened = ucasemap_open("", 0, &error);
    ABSL_CHECK(U_SUCCESS(error)) << "ICU has no case mappings: " << u_errorName(error);
    return opened;
  }();
  return map;
}

// Appends well-formed text.
void AppendMapped(std::string_view text, Mapping mapping, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + kGrowth * text.size());
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length =
      mapping(NoLanguage(), out.data() + begin, static_cast<int32_t>(kGrowth * text.size()),
              text.data(), static_cast<int32_t>(text.size()), &error);
  ABSL_CHECK(U_SUCCESS(error)) << u_errorName(error);
  out.resize(begin + static_cast<size_t>(length));
}

std::string Map(std::string_view text, Mapping mapping) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    // Where a text is cut, what depends on the neighbours (a final sigma) ends. Words are short.
    const std::string_view part = text.substr(0, kMostPart);
    const size_t valid = FindInvalidUtf8(part).value_or(part.size());
    if (valid > 0) {
      AppendMapped(text.substr(0, valid), mapping, out);
      text.remove_prefix(valid);
      continue;
    }
    const auto length = static_cast<size_t>(DecodeUtf8(text).length);
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isascii(c); });
}

}  // namespace

std::string LowerCase(std::string_view text) {
  return IsAscii(text) ? absl::AsciiStrToLower(text) : Map(text, ucasemap_utf8ToLower);
}

std::string UpperCase(std::string_view text) {
  return IsAscii(text) ? absl::AsciiStrToUpper(text) : Map(text, ucasemap_utf8ToUpper);
}

}  // namespace graft
