// Tokens as lines of text.
#ifndef GRAFT_TOOLS_TOKEN_RECORDS_H_
#define GRAFT_TOOLS_TOKEN_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"
#include "tokenizers/tokenizer.h"

namespace graft::tools {

// Each appends one line with its line end.

// "101 1037 102"
void AppendIdsLine(absl::Span<const int32_t> ids, std::string& out);
// "[CLS] a [SEP]"; line ends and other control characters in a token as Printable writes them.
void AppendPiecesLine(const Tokenizer& tokenizer, absl::Span<const int32_t> ids, std::string& out);

// What a JSON record has beside the encoding.
struct JsonRecordOptions {
  bool pair = false;                            // sequence_ids
  std::optional<size_t> window = std::nullopt;  // its number within the text
};
// One JSON object (docs/formats.md); the windows of the encoding are not part of it.
void AppendJsonLine(const Tokenizer& tokenizer, const Encoding& encoding,
                    const JsonRecordOptions& options, std::string& out);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TOKEN_RECORDS_H_
