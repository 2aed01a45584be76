// The check of a precompiled_charsmap. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_CHARSMAP_CHECK_H_
#define GRAFT_TOKENIZERS_FILES_CHARSMAP_CHECK_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace graft {

// Whether a precompiled_charsmap (of a SentencePiece model, or decoded from a tokenizer.json) can
// be used without a check at every step. It is
//   uint32 size of the trie in bytes | trie, a double array of uint32 units | replacements, each
//   ended by a NUL.
// Afterwards: the trie has a multiple of 256 units; a walk from unit 0 over other bytes than NUL
// stays in it and ends, since no unit leads back to one before it; every value that it meets is the
// offset of a character among the replacements, which are UTF-8 and, from there to the NUL, at most
// 256 bytes. An empty charsmap is right.
// DataLoss: "WHERE: byte 8: expected ..., found ...", the byte counted in the charsmap.
absl::Status CheckCharsmap(std::string_view charsmap, const std::string& where);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_CHARSMAP_CHECK_H_
