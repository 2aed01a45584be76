// UTF-8 as Unicode 15, section 3.9 (table 3-7) defines it.
#ifndef GRAFT_BASE_UTF8_H_
#define GRAFT_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graft {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  char32_t code;  // U+FFFD for an ill-formed part
  int length;     // bytes that it takes, 1 to 4
  bool valid;
};

// The character at the front of `bytes`, which must not be empty. An ill-formed part is as long as
// its maximal subpart (the practice that Unicode recommends, and that Python and Rust follow), so
// "\xE2\x82" is one U+FFFD.
Utf8Char DecodeUtf8(std::string_view bytes);

// Byte offset of the first ill-formed part, if there is one.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

// The text with each maximal ill-formed part replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

// Appends a Unicode scalar value.
void AppendUtf8(char32_t code, std::string& out);

// Text from outside as it stands in a message: in single quotes, control characters and ill-formed
// bytes as \xNN, cut at a character after `max_bytes` bytes ("'gelu'", "'a\x0Ab'", "'long...'").
std::string Quoted(std::string_view text, size_t max_bytes = 40);

// Bytes of the character that begins with this byte of well-formed UTF-8.
inline size_t CharLength(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Number of characters in well-formed text.
size_t CountUtf8(std::string_view text);

}  // namespace graft

#endif  // GRAFT_BASE_UTF8_H_
