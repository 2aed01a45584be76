#include "base/utf8.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "simdjson.h"

namespace graft {

Utf8Char DecodeUtf8(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1, true};
  int length;
  uint8_t low = 0x80, high = 0xBF;  // range of the second byte (table 3-7)
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // no overlong forms
    if (lead == 0xED) high = 0x9F;  // no surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;  // nothing above U+10FFFF
  } else {
    return {kReplacementCharacter, 1, false};
  }
  char32_t code = lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    const bool fits = static_cast<size_t>(i) < bytes.size() && at(i) >= low && at(i) <= high;
    if (!fits) return {kReplacementCharacter, i, false};
    code = (code << 6) | (at(i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {code, length, true};
}

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Char c = DecodeUtf8(text.substr(i));
    if (!c.valid) return i;
    i += c.length;
  }
  return std::nullopt;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    if (c.valid) {
      out.append(text.substr(0, c.length));
    } else {
      AppendUtf8(kReplacementCharacter, out);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

void AppendUtf8(char32_t code, std::string& out) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::string Quoted(std::string_view text, size_t max_bytes) {
  std::string out = "'";
  size_t i = 0;
  while (i < text.size()) {
    const Utf8Char c = DecodeUtf8(text.substr(i));
    if (i + c.length > max_bytes) break;
    const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
    for (int k = 0; k < c.length; ++k) {
      if (c.valid && !control) {
        out.push_back(text[i + k]);
      } else {
        absl::StrAppendFormat(&out, "\\x%02X", static_cast<uint8_t>(text[i + k]));
      }
    }
    i += c.length;
  }
  out.append(i < text.size() ? "...'" : "'");
  return out;
}

size_t CountUtf8(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace graft
