// The characters that byte-level tokenizers write for bytes. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_BYTE_ALPHABET_H_
#define GRAFT_TOKENIZERS_BYTE_ALPHABET_H_

#include <array>
#include <cstdint>

namespace graft {

namespace byte_alphabet_internal {

// Bytes that stand for themselves: printable ones of Latin-1.
constexpr bool StandsForItself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char16_t, 256> MakeCharacters() {
  std::array<char16_t, 256> characters{};
  char16_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    characters[byte] = StandsForItself(byte) ? static_cast<char16_t>(byte) : next++;
  }
  return characters;
}

}  // namespace byte_alphabet_internal

// The character of each byte (GPT-2's table: the others follow from U+0100 on, in order).
inline constexpr std::array<char16_t, 256> kByteCharacters =
    byte_alphabet_internal::MakeCharacters();
inline constexpr char32_t kSpaceCharacter = kByteCharacters[' '];

// The byte of a character, -1 for one outside the alphabet.
constexpr int ByteOfCharacter(char32_t code) {
  if (code < 0x100 && byte_alphabet_internal::StandsForItself(code)) return static_cast<int>(code);
  for (int byte = 0; code >= 0x100 && byte < 256; ++byte) {
    if (kByteCharacters[static_cast<size_t>(byte)] == code) return byte;
  }
  return -1;
}

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_BYTE_ALPHABET_H_
