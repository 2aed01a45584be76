#include "tasks/module_configs.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/json.h"

namespace graft {
namespace {

constexpr int64_t kMaxWidth = 1'000'000;
constexpr int64_t kMaxTextTokens = 1'000'000;

// pooling_mode_cls_token, pooling_mode_mean_tokens, ..., pooling_mode_lasttoken.
std::string FlagOf(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kCls:
      return "pooling_mode_cls_token";
    case PoolingMode::kLast:
    case PoolingMode::kMeanSqrtLength:
      return absl::StrCat("pooling_mode_", PoolingModeName(mode));
    default:
      return absl::StrCat("pooling_mode_", PoolingModeName(mode), "_tokens");
  }
}

std::string AllPoolingModes() {
  return absl::StrJoin(kPoolingModes, ", ", [](std::string* out, PoolingMode mode) {
    absl::StrAppend(out, PoolingModeName(mode));
  });
}

// Every member must have one of these names.
absl::Status CheckKeys(const JsonValue& root, const std::vector<std::string>& known) {
  ABSL_ASSIGN_OR_RETURN(const auto members, root.AsObject());
  for (const auto& [key, value] : members) {
    if (absl::c_linear_search(known, key)) continue;
    return root.Error(
        absl::StrCat("expected no keys but ", absl::StrJoin(known, ", "), ", found '", key, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<PoolingMode> PoolingModeOf(const JsonValue& value) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, value.AsString());
  if (const auto mode = FindPoolingMode(name)) return *mode;
  return value.Error(absl::StrCat("expected ", AllPoolingModes(), ", found '", name, "'"));
}

absl::StatusOr<std::vector<PoolingMode>> NamedPoolingModes(const JsonValue& value) {
  std::vector<PoolingMode> modes;
  if (!value.is_array()) {
    ABSL_ASSIGN_OR_RETURN(modes.emplace_back(), PoolingModeOf(value));
    return modes;
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, value.AsArray());
  for (const JsonValue& item : items) {
    ABSL_ASSIGN_OR_RETURN(modes.emplace_back(), PoolingModeOf(item));
  }
  if (modes.empty()) return value.Error("expected at least one mode, found none");
  return modes;
}

absl::StatusOr<std::vector<PoolingMode>> FlaggedPoolingModes(const JsonValue& root) {
  std::vector<PoolingMode> modes;
  for (const PoolingMode mode : kPoolingModes) {
    ABSL_ASSIGN_OR_RETURN(const bool on, root.GetBool(FlagOf(mode), false));
    if (on) modes.push_back(mode);
  }
  if (modes.empty()) modes.push_back(PoolingMode::kMean);
  return modes;
}

// Newer versions can lead a module's input and output past the text's vector.
absl::Status CheckVectorNames(const JsonValue& root) {
  for (const char* key : {"module_input_name", "module_output_name"}) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view name, root.GetString(key, "sentence_embedding"));
    if (name != "sentence_embedding") {
      return root.Error(absl::StrCat(key, ": expected 'sentence_embedding', found '", name, "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Activation> ActivationOf(const JsonValue& value) {
  constexpr std::pair<std::string_view, Activation> kKnown[] = {
      {"Identity", Activation::kIdentity}, {"Tanh", Activation::kTanh},
      {"ReLU", Activation::kRelu},         {"GELU", Activation::kGelu},
      {"Sigmoid", Activation::kSigmoid},   {"SiLU", Activation::kSilu}};
  ABSL_ASSIGN_OR_RETURN(const std::string_view path, value.AsString());
  std::string_view name = path;
  if (absl::ConsumePrefix(&name, "torch.nn.")) {
    absl::ConsumePrefix(&name, "modules.");
    if (!absl::ConsumePrefix(&name, "linear.")) absl::ConsumePrefix(&name, "activation.");
    for (const auto& [known, activation] : kKnown) {
      if (name == known) return activation;
    }
  }
  return value.Error(absl::StrCat(
      "expected Identity, Tanh, ReLU, GELU, Sigmoid or SiLU of torch.nn, found '", path, "'"));
}

// What a Transformer module may say besides: nothing that changes the vectors.
absl::Status CheckTransformerExtras(const JsonValue& root) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view task,
                        root.GetString("transformer_task", "feature-extraction"));
  if (task != "feature-extraction") {
    return root.Error(
        absl::StrCat("transformer_task: expected 'feature-extraction', found '", task, "'"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view output,
                        root.GetString("module_output_name", "token_embeddings"));
  if (output != "token_embeddings") {
    return root.Error(
        absl::StrCat("module_output_name: expected 'token_embeddings', found '", output, "'"));
  }
  for (const char* key : {"query_length", "document_length", "query_expansion"}) {
    if (const auto value = root.Find(key)) {
      return value->Error(absl::StrCat("expected null, found ", value->Describe()));
    }
  }
  for (const char* key : {"model_args", "model_kwargs", "tokenizer_args", "processor_kwargs",
                          "config_args", "config_kwargs", "processing_kwargs"}) {
    const auto value = root.Find(key);
    if (!value) continue;
    ABSL_ASSIGN_OR_RETURN(const auto members, value->AsObject());
    for (const auto& [name, argument] : members) {
      // They choose how to compute, not what.
      if (name == "attn_implementation" || name == "trust_remote_code" ||
          name == "add_pooling_layer") {
        continue;
      }
      return argument.Error(absl::StrCat("expected no such argument, found ", argument.Describe()));
    }
  }
  return absl::OkStatus();
}

// {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}: the hidden states.
absl::Status CheckModality(const JsonValue& root) {
  const auto config = root.Find("modality_config");
  if (!config) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const JsonValue text, config->Get("text"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view method, text.GetString("method"));
  if (method != "forward") {
    return text.Error(absl::StrCat("method: expected 'forward', found '", method, "'"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view output, text.GetString("method_output_name"));
  if (output != "last_hidden_state") {
    return text.Error(
        absl::StrCat("method_output_name: expected 'last_hidden_state', found '", output, "'"));
  }
  return absl::OkStatus();
}

absl::Status ReadPrompts(const JsonValue& root, SentenceSettings& settings) {
  if (const auto prompts = root.Find("prompts")) {
    ABSL_ASSIGN_OR_RETURN(const auto members, prompts->AsObject());
    for (const auto& [name, value] : members) {
      std::string& prompt = settings.prompts[std::string(name)];
      if (value.is_null()) continue;
      ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
      prompt = std::string(text);
    }
  }
  const auto name = root.Find("default_prompt_name");
  if (!name) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, name->AsString());
  settings.default_prompt = std::string(text);
  if (settings.prompts.contains(*settings.default_prompt)) return absl::OkStatus();
  return name->Error(absl::StrCat("expected the name of a prompt, found '", text, "'"));
}

}  // namespace

absl::StatusOr<TransformerModule> ReadTransformerModule(const std::string& folder) {
  TransformerModule module;
  for (const char* family :
       {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta"}) {
    std::string path = JoinPath(folder, absl::StrCat("sentence_", family, "_config.json"));
    if (!PathExists(path)) continue;
    module.path = std::move(path);
    break;
  }
  if (module.path.empty()) return module;
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(module.path));
  const JsonValue root = document.root();
  ABSL_RETURN_IF_ERROR(
      CheckKeys(root, {"max_seq_length", "do_lower_case", "transformer_task", "modality_config",
                       "module_output_name", "query_length", "document_length", "query_expansion",
                       "unpad_inputs", "model_args", "model_kwargs", "tokenizer_args",
                       "processor_kwargs", "config_args", "config_kwargs", "processing_kwargs"}));
  ABSL_RETURN_IF_ERROR(CheckTransformerExtras(root));
  ABSL_RETURN_IF_ERROR(CheckModality(root));
  ABSL_ASSIGN_OR_RETURN(module.lower_case, root.GetBool("do_lower_case", false));
  if (root.Find("max_seq_length")) {
    ABSL_ASSIGN_OR_RETURN(module.max_length, root.GetInt("max_seq_length", 1, kMaxTextTokens));
  }
  return module;
}

absl::StatusOr<PoolingModule> ReadPoolingModule(const std::string& path, int64_t width) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  std::vector<std::string> keys = {"embedding_dimension", "word_embedding_dimension",
                                   "pooling_mode", "include_prompt"};
  for (const PoolingMode mode : kPoolingModes) keys.push_back(FlagOf(mode));
  ABSL_RETURN_IF_ERROR(CheckKeys(root, keys));
  for (const char* key : {"embedding_dimension", "word_embedding_dimension"}) {
    const auto value = root.Find(key);
    if (!value) continue;
    ABSL_ASSIGN_OR_RETURN(const int64_t found, value->AsInt(1, kMaxWidth));
    if (width > 0 && found != width) {
      return value->Error(absl::StrCat("expected ", width, ", the hidden size, found ", found));
    }
  }
  PoolingModule module;
  ABSL_ASSIGN_OR_RETURN(module.include_prompt, root.GetBool("include_prompt", true));
  const auto named = root.Find("pooling_mode");
  ABSL_ASSIGN_OR_RETURN(module.modes,
                        named ? NamedPoolingModes(*named) : FlaggedPoolingModes(root));
  return module;
}

absl::StatusOr<DenseModule> ReadDenseModule(const std::string& path, int64_t in) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  ABSL_RETURN_IF_ERROR(
      CheckKeys(root, {"in_features", "out_features", "bias", "activation_function",
                       "module_input_name", "module_output_name", "use_residual"}));
  ABSL_RETURN_IF_ERROR(CheckVectorNames(root));
  DenseModule module;
  ABSL_ASSIGN_OR_RETURN(module.in, root.GetInt("in_features", 1, kMaxWidth));
  if (module.in != in) {
    return root.Error(absl::StrCat("in_features: expected ", in,
                                   ", the width of what stands before, found ", module.in));
  }
  ABSL_ASSIGN_OR_RETURN(module.out, root.GetInt("out_features", 1, kMaxWidth));
  ABSL_ASSIGN_OR_RETURN(module.bias, root.GetBool("bias", true));
  ABSL_ASSIGN_OR_RETURN(module.residual, root.GetBool("use_residual", false));
  if (const auto activation = root.Find("activation_function")) {
    ABSL_ASSIGN_OR_RETURN(module.activation, ActivationOf(*activation));
  }
  return module;
}

absl::Status CheckNormalizeModule(const std::string& path) {
  if (!PathExists(path)) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  ABSL_RETURN_IF_ERROR(CheckKeys(document.root(), {"module_input_name", "module_output_name"}));
  return CheckVectorNames(document.root());
}

absl::StatusOr<SentenceSettings> ReadSentenceSettings(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  SentenceSettings settings;
  ABSL_RETURN_IF_ERROR(ReadPrompts(root, settings));
  ABSL_ASSIGN_OR_RETURN(const std::string_view type,
                        root.GetString("model_type", "SentenceTransformer"));
  if (type != "SentenceTransformer") {
    return root.Error(
        absl::StrCat("model_type: expected 'SentenceTransformer', found '", type, "'"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view similarity,
                        root.GetString("similarity_fn_name", "cosine"));
  settings.similarity = std::string(similarity);
  constexpr std::string_view kSimilarities[] = {"cosine", "dot", "euclidean", "manhattan"};
  if (!absl::c_linear_search(kSimilarities, similarity)) {
    return root.Error(absl::StrCat("similarity_fn_name: expected ",
                                   absl::StrJoin(kSimilarities, ", "), ", found '", similarity,
                                   "'"));
  }
  if (root.Find("truncate_dim")) {
    ABSL_ASSIGN_OR_RETURN(settings.dimensions, root.GetInt("truncate_dim", 1, kMaxWidth));
  }
  return settings;
}

}  // namespace graft
