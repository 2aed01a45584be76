// Lines of text as the inputs of a tokenizer.
#ifndef GRAFT_TOOLS_LINE_TEXTS_H_
#define GRAFT_TOOLS_LINE_TEXTS_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tokenizers/encoding.h"
#include "tokenizers/tokenizer.h"

namespace graft::tools {

enum class LineForm {
  kText,
  kPair,   // two texts with a tab between them
  kWords,  // words between spaces and tabs
};

enum class OffsetUnit { kBytes, kCodePoints, kUtf16 };

// The texts of a line: one, two, or its words, of which there may be none. They are parts of
// `line`. InvalidArgument for a pair that is none.
absl::StatusOr<std::vector<std::string_view>> SplitLine(std::string_view line, LineForm form);

// Encodes what SplitLine gave. Offsets count in `unit` from the start of the text that the token
// is part of, for words from the start of the word; those of the windows too.
Encoding EncodeTexts(const Tokenizer& tokenizer, LineForm form,
                     absl::Span<const std::string_view> texts, const EncodeOptions& options,
                     OffsetUnit unit);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_LINE_TEXTS_H_
