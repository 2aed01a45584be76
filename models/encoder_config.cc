#include "models/encoder_config.h"

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"

namespace graft {
namespace {

// Far above every published encoder; keeps every product of sizes inside int64.
constexpr int64_t kMaxVocabulary = 4'000'000;
constexpr int64_t kMaxWidth = 65'536;
constexpr int64_t kMaxLayers = 1'000;
constexpr int64_t kMaxPositions = 1'000'000;

constexpr std::string_view kBert = "bert";

// What other libraries may compute.
absl::Status Uncomputed(const JsonValue& value, std::string_view message) {
  return absl::UnimplementedError(value.Error(message).message());
}

// An option that graft computes in one way only: any other value is refused.
absl::Status ExpectString(const JsonValue& root, std::string_view key, std::string_view only) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view value, root.GetString(key, only));
  if (value == only) return absl::OkStatus();
  return Uncomputed(root, absl::StrCat(key, ": expected '", only, "', found ", Quoted(value)));
}

absl::Status ExpectFalse(const JsonValue& root, std::string_view key) {
  ABSL_ASSIGN_OR_RETURN(const bool value, root.GetBool(key, false));
  if (!value) return absl::OkStatus();
  return Uncomputed(root, absl::StrCat(key, ": expected false, found true"));
}

absl::Status CheckBertOptions(const JsonValue& root) {
  ABSL_RETURN_IF_ERROR(ExpectString(root, "hidden_act", "gelu"));
  ABSL_RETURN_IF_ERROR(ExpectString(root, "position_embedding_type", "absolute"));
  ABSL_RETURN_IF_ERROR(ExpectFalse(root, "is_decoder"));
  ABSL_RETURN_IF_ERROR(ExpectFalse(root, "add_cross_attention"));
  if (const auto pruned = root.Find("pruned_heads")) {
    ABSL_ASSIGN_OR_RETURN(const auto members, pruned->AsObject());
    if (!members.empty()) return Uncomputed(*pruned, "expected no pruned heads, found some");
  }
  return absl::OkStatus();
}

absl::Status ReadSizes(const JsonValue& root, EncoderConfig& config) {
  ABSL_ASSIGN_OR_RETURN(config.vocab_size, root.GetInt("vocab_size", 1, kMaxVocabulary));
  ABSL_ASSIGN_OR_RETURN(config.hidden_size, root.GetInt("hidden_size", 1, kMaxWidth));
  ABSL_ASSIGN_OR_RETURN(config.layers, root.GetInt("num_hidden_layers", 1, kMaxLayers));
  ABSL_ASSIGN_OR_RETURN(config.heads, root.GetInt("num_attention_heads", 1, kMaxWidth));
  ABSL_ASSIGN_OR_RETURN(config.intermediate_size, root.GetInt("intermediate_size", 1, kMaxWidth));
  ABSL_ASSIGN_OR_RETURN(config.max_positions,
                        root.GetInt("max_position_embeddings", 1, kMaxPositions));
  ABSL_ASSIGN_OR_RETURN(config.type_vocab_size, root.GetInt("type_vocab_size", 1, kMaxWidth, 2));
  if (config.hidden_size % config.heads != 0) {
    return root.Error(absl::StrCat("hidden_size: expected a multiple of num_attention_heads (",
                                   config.heads, "), found ", config.hidden_size));
  }
  return absl::OkStatus();
}

absl::Status ReadRates(const JsonValue& root, EncoderConfig& config) {
  constexpr double kBelowOne = 0.999999;
  ABSL_ASSIGN_OR_RETURN(config.layer_norm_eps, root.GetDouble("layer_norm_eps", 0, 1, 1e-12));
  ABSL_ASSIGN_OR_RETURN(config.hidden_dropout,
                        root.GetDouble("hidden_dropout_prob", 0, kBelowOne, 0.1));
  ABSL_ASSIGN_OR_RETURN(config.attention_dropout,
                        root.GetDouble("attention_probs_dropout_prob", 0, kBelowOne, 0.1));
  if (const auto rate = root.Find("classifier_dropout")) {
    ABSL_ASSIGN_OR_RETURN(config.classifier_dropout, rate->AsDouble(0, kBelowOne));
  }
  ABSL_ASSIGN_OR_RETURN(config.initializer_range, root.GetDouble("initializer_range", 0, 10, 0.02));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EncoderConfig> LoadEncoderConfig(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  EncoderConfig config;
  if (absl::EndsWith(path, "bert_config.json")) {
    ABSL_ASSIGN_OR_RETURN(config.model_type, root.GetString("model_type", kBert));
  } else if (root.is_object() && !root.Find("model_type")) {
    return absl::UnimplementedError(root.Get("model_type").status().message());
  } else {
    ABSL_ASSIGN_OR_RETURN(config.model_type, root.GetString("model_type"));
  }
  if (config.model_type != kBert) {
    return Uncomputed(
        root, absl::StrCat("model_type: expected one of: bert; found ", Quoted(config.model_type)));
  }
  config.names_programs = root.Find("auto_map").has_value();
  if (const auto architectures = root.Find("architectures")) {
    ABSL_ASSIGN_OR_RETURN(const auto items, architectures->AsArray());
    for (const JsonValue& item : items) {
      ABSL_ASSIGN_OR_RETURN(const std::string_view name, item.AsString());
      config.architectures.emplace_back(name);
    }
  }
  ABSL_RETURN_IF_ERROR(ReadSizes(root, config));
  ABSL_RETURN_IF_ERROR(ReadRates(root, config));
  ABSL_RETURN_IF_ERROR(CheckBertOptions(root));
  return config;
}

}  // namespace graft
