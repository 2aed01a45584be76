// Readers of the components of a tokenizer.json. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_COMPONENTS_H_
#define GRAFT_TOKENIZERS_FILES_COMPONENTS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "tokenizers/decoders/decoder.h"
#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/post_processor.h"
#include "tokenizers/pre_tokenizers/pre_tokenizer.h"

namespace graft {

// `root` is the whole document. A component that is absent or null does nothing. InvalidArgument
// with the JSON path for types that nobody knows and options that are missing or out of range.
absl::StatusOr<std::vector<Normalizer>> ReadNormalizers(const JsonValue& root);
absl::StatusOr<std::vector<PreTokenizer>> ReadPreTokenizers(const JsonValue& root);
absl::StatusOr<std::optional<std::vector<Decoder>>> ReadDecoders(const JsonValue& root);
// Ids must be below `vocabulary_size`.
absl::StatusOr<PostProcessor> ReadPostProcessor(const JsonValue& root, size_t vocabulary_size);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_COMPONENTS_H_
