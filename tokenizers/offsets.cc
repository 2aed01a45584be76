#include "tokenizers/offsets.h"

#include <cstdint>

#include "base/utf8.h"

namespace graft {
namespace {

// `units` says how many units a character has.
template <typename Units>
std::vector<Span> Convert(std::string_view text, absl::Span<const Span> spans, const Units& units) {
  std::vector<uint32_t> places(text.size() + 1);  // of each byte, and of the end
  uint32_t place = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    for (int i = 0; i < c.length; ++i) places[at++] = place;
    place += units(c.code);
  }
  places[text.size()] = place;
  std::vector<Span> converted;
  converted.reserve(spans.size());
  for (const Span span : spans) converted.push_back({places[span.begin], places[span.end]});
  return converted;
}

}  // namespace

std::vector<Span> ToCodePoints(std::string_view text, absl::Span<const Span> spans) {
  return Convert(text, spans, [](char32_t) { return 1; });
}

std::vector<Span> ToUtf16(std::string_view text, absl::Span<const Span> spans) {
  return Convert(text, spans, [](char32_t code) { return code < 0x10000 ? 1 : 2; });
}

}  // namespace graft
