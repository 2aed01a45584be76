// The readers behind LoadTokenizer. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LOAD_TOKENIZER_H_
#define GRAFT_TOKENIZERS_LOAD_TOKENIZER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/tokenizer.h"

namespace graft {

// A tokenizer.json. `truncation` and `padding` are the caller's business and only checked.
// InvalidArgument with the JSON path for components that nobody knows and options out of range,
// DataLoss for malformed text and ids that are not dense.
absl::StatusOr<TokenizerParts> LoadTokenizerJson(const std::string& path);

// The same of the bytes of a file that has been read; `path` names it.
absl::StatusOr<TokenizerParts> ParseTokenizerJson(std::string text, const std::string& path);

// As LoadTokenizer, and the text is lower-cased before the tokenizer's own normalization, as
// do_lower_case of sentence-transformers asks for. Special tokens in a text stay what they are.
absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadLowerCaseTokenizer(const std::string& folder);

// Everything but the model, which `parts` has, from the members of a tokenizer.json. `path` names
// the file in messages.
absl::Status ReadComponents(const JsonValue& root, const std::string& path, TokenizerParts& parts);

// Whether tokenizer_config.json contradicts tokenizer.json: two readers of such a folder would get
// different ids.
absl::Status CheckAgainstConfig(const TokenizerParts& parts, const JsonValue& config,
                                const std::string& path);

// Sets the forms of the added tokens. Gives InvalidArgument when their ids do not follow those of
// the vocabulary without gaps, when a token has no normalized form to be found by or one of more
// than kMaxTokenBytes, or when a pattern of the normalizers goes on without end.
absl::Status PrepareAddedTokens(TokenizerParts& parts, const std::string& path);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LOAD_TOKENIZER_H_
