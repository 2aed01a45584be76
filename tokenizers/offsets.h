// Offsets in other units than bytes.
#ifndef GRAFT_TOKENIZERS_OFFSETS_H_
#define GRAFT_TOKENIZERS_OFFSETS_H_

#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"

namespace graft {

// Spans in bytes of `text` as spans in its characters (Unicode code points, what Python counts) or
// in UTF-16 code units (what Java and JavaScript count). Each maximal ill-formed part counts as
// one. A place inside a character becomes the character's beginning. Spans must lie in the text.
std::vector<Span> ToCodePoints(std::string_view text, absl::Span<const Span> spans);
std::vector<Span> ToUtf16(std::string_view text, absl::Span<const Span> spans);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_OFFSETS_H_
