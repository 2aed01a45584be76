// Readers of vocabularies. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_VOCABULARY_FILE_H_
#define GRAFT_TOKENIZERS_FILES_VOCABULARY_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tokenizers/vocabulary.h"

namespace graft {

inline constexpr uint64_t kMaxVocabularyFileBytes = 256'000'000;
inline constexpr size_t kMaxTokens = size_t{4} << 20;
inline constexpr size_t kMaxTokenBytes = 1024;

// A vocab.txt: one token a line, the id is the line's number from 0. `source` names the file in
// messages. DataLoss with line and byte for what two readers would understand differently: an empty
// file, blank lines, tokens that begin or end with ASCII whitespace, a bare "##", duplicates, NUL,
// malformed UTF-8, a byte-order mark, mixed line ends, a token of more than kMaxTokenBytes. Other
// whitespace at the end of a line is left out, as `tokenizers` does, which may leave an empty
// token.
absl::StatusOr<Vocabulary> ParseVocabTxt(std::string text, const std::string& source);

// The `model.vocab` object of a tokenizer.json: tokens and their dense ids. It is most of the
// file, so it is read here, apart from the rest.
struct VocabularyObject {
  size_t begin;  // of its '{' in the text
  size_t end;    // behind its '}'
  // Its JSON path in messages; empty when it is the whole document.
  std::string_view path = "model.vocab";
};

// Where `model.vocab` is; nullopt when the text has no such object or is not JSON before it.
std::optional<VocabularyObject> FindVocabularyObject(std::string_view text);

// Reads the object whose '{' is at `object.begin` and sets `object.end`. DataLoss with the byte
// for malformed JSON, ids that are no integers or not dense, equal ids or tokens.
absl::StatusOr<Vocabulary> ParseVocabularyObject(std::string text, const std::string& source,
                                                 VocabularyObject& object);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_VOCABULARY_FILE_H_
