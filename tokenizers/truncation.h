// How many tokens of one or two texts stay, and which. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_TRUNCATION_H_
#define GRAFT_TOKENIZERS_TRUNCATION_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace graft {

// Tokens [begin, end) of a text.
struct TokenWindow {
  size_t begin = 0;
  size_t end = 0;
};

// How many tokens of a pair stay when `most` are allowed. Longest first: the longer text loses
// first, and two that are both too long end up equal (the first one shorter by one when `most` is
// odd).
std::pair<size_t, size_t> TruncatedSizes(size_t first, size_t second, size_t most,
                                         Truncation strategy);

// The window that stays of `size` tokens, and those that overlap with the one before by `stride`
// tokens (less than `keep`) and cover the rest. `all` = false: the first one alone.
std::vector<TokenWindow> TruncationWindows(size_t size, size_t keep, size_t stride,
                                           TruncationSide side, bool all);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_TRUNCATION_H_
