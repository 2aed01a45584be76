// Texts to what the model takes.
#ifndef GRAFT_TASKS_ENCODE_TEXTS_H_
#define GRAFT_TASKS_ENCODE_TEXTS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/encoded_texts.h"
#include "tasks/model_folder.h"

namespace graft {

// Texts of at most so many tokens, by the model's tokenizer or its words, on Threads() threads.
// InvalidArgument naming a text that has no token, of which nothing can be computed. Thread-safe.
absl::StatusOr<EncodedTexts> EncodeTexts(const LoadedModel& model,
                                         absl::Span<const std::string_view> texts,
                                         int64_t max_length);

}  // namespace graft

#endif  // GRAFT_TASKS_ENCODE_TEXTS_H_
