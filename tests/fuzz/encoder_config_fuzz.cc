// Any bytes as a config.json, by what the readers of all families are made of: refused with the
// file's name, or every size is one that products of sizes may be made of. And as any JSON: what is
// parsed has a description and a path everywhere. The families' own readers, which need LibTorch,
// are swept by tests/models/encoder_config_test.cc.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/match.h"
#include "base/json.h"
#include "models/config_reader.h"

namespace {

void ReadConfig(const graft::JsonValue& root) {
  graft::ConfigReader reader(root);
  const graft::EncoderConfig config = graft::ReadCommonConfig(reader);
  const auto activation = reader.Function("hidden_act", "gelu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  const double dropout = reader.Rate("classifier_dropout", 0);
  reader.Flag("tie_word_embeddings", true);
  reader.ExpectText("position_embedding_type", "absolute");
  reader.ExpectFlag("use_bottleneck", true);
  reader.Texts("layer_types");
  if (!reader.status().ok()) {
    ABSL_CHECK(absl::StartsWith(reader.status().message(), "t: ")) << reader.status();
    return;
  }
  ABSL_CHECK_LE(static_cast<int>(activation), static_cast<int>(graft::Activation::kSigmoid));
  ABSL_CHECK(eps >= 0 && eps <= 1) << eps;
  ABSL_CHECK(dropout >= 0 && dropout < 1) << dropout;
  for (const int64_t size : {config.vocab_size, config.hidden_size, config.heads,
                             config.intermediate_size, config.max_positions}) {
    ABSL_CHECK_GT(size, 0);
    ABSL_CHECK_LE(size, graft::kMaxVocabulary);
  }
  ABSL_CHECK_GE(config.layers, 0);
  ABSL_CHECK_EQ(config.hidden_size % config.heads, 0);
}

// Every value by every getter. The document bounds the depth.
void Visit(const graft::JsonValue& value) {
  ABSL_CHECK(!value.Describe().empty());
  value.AsInt(-5, 5).IgnoreError();
  value.AsDouble(-1e300, 1e300).IgnoreError();
  value.AsBool().IgnoreError();
  value.AsString().IgnoreError();
  if (const auto items = value.AsArray(); items.ok()) {
    ABSL_CHECK_EQ(items->size(), value.size());
    for (const graft::JsonValue& item : *items) Visit(item);
  }
  if (const auto members = value.AsObject(); members.ok()) {
    ABSL_CHECK_EQ(members->size(), value.size());
    for (const auto& [key, member] : *members) {
      ABSL_CHECK(member.is_null() || value.Find(key).has_value()) << key;
      Visit(member);
    }
  }
  ABSL_CHECK(absl::StartsWith(value.Error("expected more").message(), "t: ")) << value.path();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto document = graft::JsonDocument::Parse(bytes, "t");
  if (document.ok()) {
    Visit(document->root());
    ReadConfig(document->root());
  } else {
    ABSL_CHECK(absl::StartsWith(document.status().message(), "t: ")) << document.status();
  }
  return 0;
}
