// Any bytes as a SentencePiece model: the check refuses them with a place, or the library takes
// them, encodes and decodes without a fault, and graft's own way gives the same where there is one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "tokenizers/lanes/sentencepiece_text_encoder.h"
#include "tokenizers/models/sentencepiece_encoder.h"
#include "tokenizers/models/sentencepiece_tokens.h"

namespace {

void EncodeAndDecode(const graft::SentencePieceEncoder& encoder, std::string_view text) {
  std::vector<graft::ModelToken> tokens;
  std::vector<std::string> pieces;
  if (!encoder.Encode(text, tokens, pieces).ok()) return;
  ABSL_CHECK_EQ(tokens.size(), pieces.size());
  std::vector<int32_t> ids;
  for (const graft::ModelToken& token : tokens) {
    ABSL_CHECK_GE(token.id, 0);
    ABSL_CHECK_LT(static_cast<size_t>(token.id), encoder.model().pieces.size());
    ABSL_CHECK_LE(token.span.begin, token.span.end);
    ABSL_CHECK_LE(token.span.end, text.size());
    ids.push_back(token.id);
  }
  static_cast<void>(encoder.Decode(ids));
}

void EncodeBothWays(const graft::SentencePieceTokens& model, std::string_view text) {
  std::vector<graft::ModelToken> tokens;
  model.Tokenize(text, tokens);
  std::vector<int32_t> ids;
  std::vector<graft::Span> spans;
  for (const graft::ModelToken& token : tokens) {
    ids.push_back(token.id);
    spans.push_back(token.span);
  }
  graft::SentencePieceTextEncoder encoder(model);
  for (int again = 0; again < 2; ++again) {  // with caches that are filled
    graft::IdWriter own;
    encoder.AppendIds(text, own);
    ABSL_CHECK(std::move(own).Take() == ids);
    graft::Encoding encoding;
    encoder.AppendEncoding(text, 0, std::nullopt, encoding);
    ABSL_CHECK(encoding.ids == ids);
    ABSL_CHECK(encoding.offsets == spans);
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto encoder = graft::SentencePieceEncoder::Parse(bytes, "m");
  if (!encoder.ok()) {
    ABSL_CHECK(encoder.status().message().starts_with("m: "));
    return 0;
  }
  EncodeAndDecode(*encoder, "Hello world, hello <sep> h\u00E9llo\u3000\u4E2D\u6587 \xFF\xE4\xB8 a");
  EncodeAndDecode(*encoder, std::string_view("\0\0a\0", 4));
  // The model's own bytes hit its own pieces.
  EncodeAndDecode(*encoder, bytes.substr(0, 4096));
  const auto model = graft::SentencePieceTokens::Parse(bytes, "m");
  ABSL_CHECK_OK(model);
  EncodeBothWays(**model, "  hello  world held lower ");
  EncodeBothWays(**model, "Hello world, hello \t h\u00E9llo\u3000\u4E2D\u6587 ~ wwhedo");
  EncodeBothWays(**model, bytes.substr(0, 4096));
  return 0;
}
