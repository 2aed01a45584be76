// words.txt and words.index of a vector folder. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_WORDS_INDEX_H_
#define GRAFT_EMBEDDINGS_WORDS_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embeddings/words.h"

namespace graft {

inline constexpr char kWordsName[] = "words.txt";
inline constexpr char kIndexName[] = "words.index";

// XXH3 with 64 bits of the words' bytes, as the index and the matrix file name it: 16 hex digits.
std::string WordsHash(const Words& words);

// Writes both files into a folder. `matrix_hash` are the first 16 hex digits of HashFile
// (base/hash.h) of the matrix file.
absl::Status WriteWords(const std::string& folder, const Words& words,
                        std::string_view matrix_hash);

struct OpenedWords {
  Words words;
  std::string hash;  // as the index says, not compared with the words
  std::string matrix_hash;
};
// Checks headers and sizes only.
absl::StatusOr<OpenedWords> OpenWords(const std::string& folder);
// Reads everything: the hash, places in order, LF behind each word, every word found in its row.
absl::Status VerifyWords(const std::string& folder, const OpenedWords& opened);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_WORDS_INDEX_H_
