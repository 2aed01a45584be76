// \p{L}, \p{N} and \s as the regular expressions of the peer (tokenizers 0.23.3) see them.
// Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_CHAR_CLASS_H_
#define GRAFT_TOKENIZERS_LANES_CHAR_CLASS_H_

#include <cstdint>

#include "tokenizers/unicode.h"

namespace graft {

enum class CharClass : uint8_t { kSpace, kLetter, kNumber, kOther };

// Requires code < 0x110000. Thread-safe.
inline CharClass ClassOf(char32_t code) {
  const uint16_t flags = LookUpChar(code).flags;
  if ((flags & kLetter) != 0) return CharClass::kLetter;
  if ((flags & kNumber) != 0) return CharClass::kNumber;
  return (flags & kWhitespace) != 0 ? CharClass::kSpace : CharClass::kOther;
}

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_CHAR_CLASS_H_
