// Where GPT-2's pattern cuts a text. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_CHUNKS_H_
#define GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace graft {

// Blocks in which texts are looked at.
inline constexpr size_t kChunkBlock = 64;
// Bytes behind a text that must be readable and spaces, up to the end of a block and one block
// more.
inline constexpr size_t kChunkPadding = 2 * kChunkBlock;
// Entries behind the last start that may be overwritten.
inline constexpr size_t kSpareStarts = 8;

// Writes where the matches of
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// begin in `text`, and its length; the matches cover all of it. `text` must be well-formed UTF-8,
// less than 2^16 bytes, and followed by kChunkPadding spaces. `starts` has room for a number for
// each byte and kSpareStarts + 1 more. Returns how many chunks there are. Thread-safe.
size_t FindByteLevelChunks(std::string_view text, uint16_t* starts);

// The same, character by character: the meaning, and the way for texts with other whitespace than
// ASCII's.
size_t FindByteLevelChunksPlain(std::string_view text, uint16_t* starts);

// Where the match that begins at `at`, the beginning of one, ends. For a text of any length.
size_t ByteLevelChunkEnd(std::string_view text, size_t at);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_CHUNKS_H_
