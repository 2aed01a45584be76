// The Precompiled step, with the peer's habits.
#include <unicode/uchar.h>

#include <algorithm>

#include "tokenizers/normalizers/normalizer.h"

namespace graft {
namespace {

// Graphemes of this many bytes are rewritten character by character.
constexpr size_t kLongGrapheme = 6;

int32_t BreakClass(char32_t code) {
  return u_getIntPropertyValue(static_cast<UChar32>(code), UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool IsControl(int32_t kind) {
  return kind == U_GCB_CONTROL || kind == U_GCB_CR || kind == U_GCB_LF;
}

// Whether two characters stand in one grapheme (UAX 29). Rules for flags, emoji and conjuncts are
// left out: their graphemes have 6 bytes or more, so that each character stands alone anyway.
bool Joins(int32_t before, int32_t after) {
  if (before == U_GCB_CR && after == U_GCB_LF) return true;
  if (IsControl(before) || IsControl(after)) return false;
  if (before == U_GCB_L &&
      (after == U_GCB_L || after == U_GCB_V || after == U_GCB_LV || after == U_GCB_LVT)) {
    return true;
  }
  if (after == U_GCB_V && (before == U_GCB_LV || before == U_GCB_V)) return true;
  if (after == U_GCB_T &&
      (before == U_GCB_LV || before == U_GCB_LVT || before == U_GCB_V || before == U_GCB_T)) {
    return true;
  }
  return after == U_GCB_EXTEND || after == U_GCB_ZWJ || after == U_GCB_SPACING_MARK ||
         before == U_GCB_PREPEND;
}

// Bytes of the grapheme at the front.
size_t GraphemeLength(std::string_view text) {
  size_t length = CharLength(text[0]);
  if (length == text.size()) return length;
  const auto is_plain = [](char c) { return static_cast<uint8_t>(c) < 0x80 && c != '\r'; };
  if (is_plain(text[0]) && is_plain(text[length]) && text[length] != '\n') return length;
  int32_t kind = BreakClass(CharAt(text));
  while (length < text.size()) {
    const int32_t next = BreakClass(CharAt(text.substr(length)));
    if (!Joins(kind, next)) break;
    length += CharLength(text[length]);
    kind = next;
  }
  return length;
}

size_t CountChars(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

using Changes = std::vector<std::pair<char32_t, int>>;

// Writes `text` for `count` characters: surplus characters are insertions behind the others; where
// there are fewer, the last character written so far takes the rest with it.
void Write(std::string_view text, size_t count, Changes& changes) {
  const size_t written = CountChars(text);
  size_t i = 0;
  for (size_t at = 0; at < text.size(); at += CharLength(text[at]), ++i) {
    changes.emplace_back(CharAt(text.substr(at)), i < count ? 0 : 1);
  }
  if (written < count && !changes.empty()) {
    changes.back().second -= static_cast<int>(count - written);
  }
}

}  // namespace

void Precompiled::Apply(NormalizedText& text) {
  changes.clear();
  bool modified = false;
  const auto rewrite = [&](std::string_view part) {
    const auto replacement = charsmap->ShortestMatch(part);
    if (!replacement) return false;
    Write(*replacement, CountChars(part), changes);
    modified = true;
    return true;
  };
  for (std::string_view rest = text.text(); !rest.empty();) {
    if (changes.size() > text.limit()) return;
    const size_t grapheme = GraphemeLength(rest);
    if (grapheme < kLongGrapheme && rewrite(rest.substr(0, grapheme))) {
      rest.remove_prefix(grapheme);
      continue;
    }
    for (size_t at = 0; at < grapheme;) {
      const std::string_view part = rest.substr(at, CharLength(rest[at]));
      if (!rewrite(part)) changes.emplace_back(CharAt(part), 0);
      at += part.size();
    }
    rest.remove_prefix(grapheme);
  }
  if (!modified) return;
  TextRewriter out(text);
  for (const auto& [code, change] : changes) out.Transform(code, change);
  out.Commit();
}

}  // namespace graft
