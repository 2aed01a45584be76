// FindByteLevelChunksPlain and ByteLevelChunkEnd.
#include "base/utf8.h"
#include "tokenizers/lanes/byte_level_chunks.h"
#include "tokenizers/lanes/char_class.h"

namespace graft {
namespace {

struct Char {
  CharClass char_class = CharClass::kSpace;
  size_t length = 0;  // 0 behind the end
};

Char CharAt(std::string_view text, size_t at) {
  if (at >= text.size()) return {};
  const Utf8Char c = DecodeUtf8(text.substr(at));
  return {ClassOf(c.code), static_cast<size_t>(c.length)};
}

// Behind the characters of this class that begin at `at`.
size_t SkipClass(std::string_view text, size_t at, CharClass char_class) {
  for (Char c = CharAt(text, at); c.length > 0 && c.char_class == char_class;
       c = CharAt(text, at)) {
    at += c.length;
  }
  return at;
}

// Length of the English short form at `at`; 0 when there is none.
size_t ShortForm(std::string_view text, size_t at) {
  for (const std::string_view form : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.substr(at).starts_with(form)) return form.size();
  }
  return 0;
}

size_t WhitespaceEnd(std::string_view text, size_t at) {
  const size_t end = SkipClass(text, at, CharClass::kSpace);
  if (end == text.size()) return end;
  // The last one is left to what follows, unless it is the only one.
  size_t last = end - 1;
  while ((static_cast<uint8_t>(text[last]) & 0xC0) == 0x80) --last;
  return last > at ? last : end;
}

}  // namespace

size_t ByteLevelChunkEnd(std::string_view text, size_t at) {
  if (const size_t length = ShortForm(text, at)) return at + length;
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  const Char first = CharAt(text, begin);
  if (first.length > 0 && first.char_class != CharClass::kSpace) {
    return SkipClass(text, begin, first.char_class);
  }
  return WhitespaceEnd(text, at);
}

size_t FindByteLevelChunksPlain(std::string_view text, uint16_t* starts) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at = ByteLevelChunkEnd(text, at)) {
    starts[count++] = static_cast<uint16_t>(at);
  }
  starts[count] = static_cast<uint16_t>(text.size());
  return count;
}

}  // namespace graft
