// Where ASCII whitespace cuts a text into chunks. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_CHUNK_EDGES_H_
#define GRAFT_TOKENIZERS_LANES_CHUNK_EDGES_H_

#include <cstddef>
#include <cstdint>

namespace graft {

inline constexpr size_t kEdgeBlock = 64;
// Entries behind the last edge that may be overwritten.
inline constexpr size_t kSpareEdges = 8;

// Writes begin, end, begin, end, ... of the chunks: the longest runs of bytes that are no space,
// tab, line feed or carriage return. These four end a word under every BERT normalizer and are part
// of no other character's UTF-8. Reads `blocks` whole blocks of kEdgeBlock bytes, at most 65,535
// bytes, the last of which must be one of the four. `edges` has room for a number for each byte and
// kSpareEdges more. Returns how many numbers it wrote, an even count. Thread-safe.
size_t FindChunkEdges(const char* text, size_t blocks, uint16_t* edges);

// The same for the longest runs of bytes that are no space (U+0020), which the last byte must be.
size_t FindSpacedEdges(const char* text, size_t blocks, uint16_t* edges);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_CHUNK_EDGES_H_
