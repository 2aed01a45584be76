#include "tasks/encode_texts.h"

#include "absl/status/status_macros.h"
#include "tasks/batching.h"
#include "tasks/threads.h"

namespace graft {

absl::StatusOr<EncodedTexts> EncodeTexts(const LoadedModel& model,
                                         absl::Span<const std::string_view> texts,
                                         int64_t max_length) {
  EncodedTexts encoded;
  if (model.words != nullptr) {
    encoded = model.words->Encode(texts, max_length, Threads());
  } else {
    encoded.tokens =
        model.tokenizer->EncodeBatch(texts, CuttingAt(*model.tokenizer, max_length), Threads());
  }
  ABSL_RETURN_IF_ERROR(CheckEveryTextHasTokens(texts, encoded.tokens));
  return encoded;
}

}  // namespace graft
