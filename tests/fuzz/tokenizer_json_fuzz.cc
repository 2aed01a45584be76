// Any bytes as a tokenizer.json: the reader refuses them with a place, or makes a tokenizer that
// keeps what tokenizers promise.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/log/absl_check.h"
#include "tests/fuzz/tokenizer_checks.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/load_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  auto parts = graft::ParseTokenizerJson(bytes, "t");
  if (!parts.ok()) {
    ABSL_CHECK(parts.status().message().starts_with("t: ")) << parts.status();
    return 0;
  }
  const graft::ComposedTokenizer tokenizer(*std::move(parts));
  graft::fuzz::CheckEverything(tokenizer,
                               "Hello unaffable [MASK] don't  <s> 12 \u00E9e\u0301 \uFB01\uFDFA");
  graft::fuzz::CheckEverything(tokenizer, std::string_view("\0 a\xE4\xB8 \xFF\u4E2D\u6587\n", 15));
  // The file's own bytes hit its own tokens and patterns.
  graft::fuzz::CheckEverything(tokenizer, std::string_view(bytes).substr(size / 2, 200));
  graft::fuzz::CheckEverything(tokenizer, "");
  return 0;
}
