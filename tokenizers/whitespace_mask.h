// Where the ASCII whitespace of a text is. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_WHITESPACE_MASK_H_
#define GRAFT_TOKENIZERS_WHITESPACE_MASK_H_

#include <cstddef>
#include <cstdint>

namespace graft {

// Bit j of masks[i] is set when byte 64 * i + j of `text` is a space, tab, line feed or carriage
// return: what ends a word under every BERT normalizer and is in no other character's UTF-8.
// Reads and writes `blocks` whole blocks of 64 bytes. Thread-safe.
void FindWhitespace(const char* text, size_t blocks, uint64_t* masks);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_WHITESPACE_MASK_H_
