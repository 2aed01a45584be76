#include "models/config_reader.h"

#include <array>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/utf8.h"

namespace graft {
namespace {

struct NamedActivation {
  std::string_view name;
  Activation kind;
};

// The names of transformers' ACT2FN for what graft computes.
constexpr auto kActivations = std::to_array<NamedActivation>({
    {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu_accurate", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh},
    {"quick_gelu", Activation::kQuickGelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"relu", Activation::kRelu},
    {"tanh", Activation::kTanh},
    {"sigmoid", Activation::kSigmoid},
    {"linear", Activation::kIdentity},
});

absl::StatusOr<std::vector<std::string>> ReadTexts(const JsonValue& list) {
  std::vector<std::string> texts;
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.AsArray());
  for (const JsonValue& item : items) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, item.AsString());
    texts.emplace_back(text);
  }
  return texts;
}

}  // namespace

void ConfigReader::Fail(absl::Status error) {
  absl::Status& kept = absl::IsUnimplemented(error) ? uncomputed_ : wrong_;
  if (kept.ok()) kept = std::move(error);
}

void ConfigReader::Fail(std::string_view key, std::string_view message) {
  Fail(root_.Error(absl::StrCat(key, ": ", message)));
}

void ConfigReader::Uncomputed(std::string_view key, std::string_view message) {
  Fail(absl::UnimplementedError(root_.Error(absl::StrCat(key, ": ", message)).message()));
}

template <typename T, typename Read>
T ConfigReader::Take(T absent, const Read& read) {
  if (!wrong_.ok()) return absent;
  auto value = read();
  if (value.ok()) return T(*std::move(value));
  Fail(value.status());
  return absent;
}

EncoderConfig ConfigReader::NewConfig() {
  EncoderConfig config;
  config.model_type = Text("model_type", "bert");
  config.architectures = Texts("architectures");
  config.names_programs = Has("auto_map");
  return config;
}

int64_t ConfigReader::Size(std::string_view key, int64_t max) {
  return Take<int64_t>(1, [&] { return root_.GetInt(key, 1, max); });
}

int64_t ConfigReader::Size(std::string_view key, int64_t max, int64_t absent) {
  return Integer(key, 1, max, absent);
}

int64_t ConfigReader::Integer(std::string_view key, int64_t min, int64_t max, int64_t absent) {
  return Take(absent, [&] { return root_.GetInt(key, min, max, absent); });
}

double ConfigReader::Number(std::string_view key, double min, double max, double absent) {
  return Take(absent, [&] { return root_.GetDouble(key, min, max, absent); });
}

double ConfigReader::Rate(std::string_view key, double absent) {
  constexpr double kBelowOne = 0.999999;
  return Number(key, 0, kBelowOne, absent);
}

bool ConfigReader::Flag(std::string_view key, bool absent) {
  return Take(absent, [&] { return root_.GetBool(key, absent); });
}

std::string ConfigReader::Text(std::string_view key, std::string_view absent) {
  return Take(std::string(absent), [&] { return root_.GetString(key, absent); });
}

std::vector<std::string> ConfigReader::Texts(std::string_view key) {
  const auto list = root_.Find(key);
  if (!list) return {};
  return Take(std::vector<std::string>(), [&] { return ReadTexts(*list); });
}

Activation ConfigReader::Function(std::string_view key, std::string_view absent) {
  const std::string name = Text(key, absent);
  for (const NamedActivation& known : kActivations) {
    if (known.name == name) return known.kind;
  }
  const auto names = absl::StrJoin(kActivations, ", ", [](std::string* out, const auto& known) {
    absl::StrAppend(out, known.name);
  });
  Uncomputed(key, absl::StrCat("expected one of: ", names, "; found ", Quoted(name)));
  return Activation::kIdentity;
}

void ConfigReader::ExpectText(std::string_view key, std::string_view only) {
  const std::string found = Text(key, only);
  if (found == only) return;
  Uncomputed(key, absl::StrCat("expected '", only, "', found ", Quoted(found)));
}

void ConfigReader::ExpectFlag(std::string_view key, bool only) {
  if (Flag(key, only) == only) return;
  Uncomputed(key, only ? "expected true, found false" : "expected false, found true");
}

void RefusePrunedHeads(ConfigReader& reader) {
  const auto pruned = reader.root().Find("pruned_heads");
  if (!pruned) return;
  const auto members = pruned->AsObject();
  if (!members.ok()) {
    reader.Fail(members.status());
  } else if (!members->empty()) {
    reader.Uncomputed("pruned_heads", "expected no pruned heads, found some");
  }
}

void CheckHeads(ConfigReader& reader, const EncoderConfig& config, std::string_view hidden,
                std::string_view heads) {
  if (config.hidden_size % config.heads == 0) return;
  reader.Fail(hidden, absl::StrCat("expected a multiple of ", heads, " (", config.heads,
                                   "), found ", config.hidden_size));
}

EncoderConfig ReadUncheckedConfig(ConfigReader& reader, int64_t least_types) {
  EncoderConfig config = reader.NewConfig();
  config.vocab_size = reader.Size("vocab_size", kMaxVocabulary);
  config.hidden_size = reader.Size("hidden_size", kMaxWidth);
  config.layers = reader.Size("num_hidden_layers", kMaxLayers);
  config.heads = reader.Size("num_attention_heads", kMaxWidth);
  config.intermediate_size = reader.Size("intermediate_size", kMaxWidth);
  config.max_positions = reader.Size("max_position_embeddings", kMaxPositions);
  config.type_vocab_size = reader.Integer("type_vocab_size", least_types, kMaxWidth, 2);
  config.hidden_dropout = reader.Rate("hidden_dropout_prob", 0.1);
  config.attention_dropout = reader.Rate("attention_probs_dropout_prob", 0.1);
  config.initializer_range = reader.Number("initializer_range", 0, 10, 0.02);
  reader.ExpectFlag("is_decoder", false);
  reader.ExpectFlag("add_cross_attention", false);
  RefusePrunedHeads(reader);
  return config;
}

EncoderConfig ReadCommonConfig(ConfigReader& reader, int64_t least_types) {
  EncoderConfig config = ReadUncheckedConfig(reader, least_types);
  CheckHeads(reader, config);
  return config;
}

}  // namespace graft
