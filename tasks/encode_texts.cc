#include "tasks/encode_texts.h"

#include <cstdint>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tasks/batching.h"
#include "tasks/threads.h"

namespace graft {

namespace {

// Words are counted in 32 bits, and so are the bytes of a text.
absl::Status CheckSizes(absl::Span<const std::string_view> texts) {
  uint64_t bytes = 0;
  for (const std::string_view text : texts) {
    bytes += text.size() + 1;
    if (text.size() <= INT32_MAX && bytes <= UINT32_MAX) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        "expected texts of less than 2 GiB, and of 4 GiB together, found more at ", Quoted(text)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EncodedTexts> EncodeTexts(const LoadedModel& model,
                                         absl::Span<const std::string_view> texts,
                                         int64_t max_length) {
  EncodedTexts encoded;
  if (model.words != nullptr) {
    ABSL_RETURN_IF_ERROR(CheckSizes(texts));
    encoded = model.words->Encode(texts, max_length, Threads());
  } else {
    encoded.tokens =
        model.tokenizer->EncodeBatch(texts, CuttingAt(*model.tokenizer, max_length), Threads());
  }
  ABSL_RETURN_IF_ERROR(CheckEveryTextHasTokens(texts, encoded.tokens));
  return encoded;
}

}  // namespace graft
