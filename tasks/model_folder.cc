#include "tasks/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tasks/data_set.h"
#include "tasks/encoder_folder.h"
#include "tasks/graft_json.h"
#include "tasks/sentence_modules.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

// kEncoder leaves out what the folder says of pooling and heads.
enum class Use { kHeads, kEncoder };

constexpr int64_t kMaxTextTokens = 1'000'000;
constexpr int64_t kMinTextTokens = 3;  // [CLS], one token, [SEP]

// A text may have one label; for tokens nobody asks.
absl::Status CheckProblemType(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  ABSL_ASSIGN_OR_RETURN(const std::string_view problem,
                        root.GetString("problem_type", "single_label_classification"));
  if (problem == "single_label_classification") return absl::OkStatus();
  return root.Error(
      absl::StrCat("problem_type: expected single_label_classification, found ", Quoted(problem)));
}

// id2label: {"0": "negative", "1": "positive"}; without it num_labels, else two, named as
// transformers names them.
absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  std::vector<std::string> labels;
  const auto id2label = root.Find("id2label");
  if (!id2label) {
    ABSL_ASSIGN_OR_RETURN(const int64_t count, root.GetInt("num_labels", 1, kMaxLabels, 2));
    for (int64_t i = 0; i < count; ++i) labels.push_back(absl::StrCat("LABEL_", i));
  } else {
    ABSL_ASSIGN_OR_RETURN(const auto members, id2label->AsObject());
    // Each is looked for among all, so too many are not looked for.
    const size_t few = members.size() <= kMaxLabels ? members.size() : 0;
    for (size_t i = 0; i < few; ++i) {
      ABSL_ASSIGN_OR_RETURN(const std::string_view label, id2label->GetString(absl::StrCat(i)));
      labels.emplace_back(label);
    }
  }
  const size_t count = id2label ? id2label->size() : labels.size();
  if (count < 2 || count > static_cast<size_t>(kMaxLabels)) {
    return root.Error(
        absl::StrCat("id2label: expected 2 to ", kMaxLabels, " labels, found ", count));
  }
  std::vector<std::string> sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return root.Error(
        absl::StrCat("id2label: expected different labels, found ", Quoted(*twice), " twice"));
  }
  return labels;
}

std::string ModuleFolder(const ModelFolder& folder, const SentenceModule& module) {
  return module.path.empty() ? folder.path : JoinPath(folder.path, module.path);
}

absl::Status ReadSentenceTransformers(ModelFolder& folder, Use use) {
  const std::string path = JoinPath(folder.path, "modules.json");
  ABSL_ASSIGN_OR_RETURN(folder.modules, ReadSentenceModules(path));
  folder.files.push_back(path);
  folder.modules.front().used = true;
  folder.transformer = ModuleFolder(folder, folder.modules.front());
  // What follows upon other modules is not pooling of the hidden states.
  if (use == Use::kHeads && folder.modules.size() > 1 && folder.modules[1].type == "Pooling") {
    folder.modules[1].used = true;
    const std::string pooling = JoinPath(ModuleFolder(folder, folder.modules[1]), "config.json");
    ABSL_ASSIGN_OR_RETURN(folder.pooling, ReadPoolingConfig(pooling));
    folder.files.push_back(pooling);
  }
  return absl::OkStatus();
}

// The Dense module that is graft's head, behind Transformer and Pooling and nothing else.
absl::Status ReadDenseHead(ModelFolder& folder, const GraftJson& settings) {
  std::vector<std::string> types;
  for (const SentenceModule& module : folder.modules) types.push_back(module.type);
  if (types != std::vector<std::string>{"Transformer", "Pooling", "Dense"}) {
    return absl::InvalidArgumentError(
        absl::StrCat(JoinPath(folder.path, "modules.json"),
                     ": expected Transformer, Pooling, Dense beside graft.json, found ",
                     absl::StrJoin(types, ", ")));
  }
  const std::string own = ModuleFolder(folder, folder.modules[2]);
  const std::string config = JoinPath(own, "config.json");
  ABSL_RETURN_IF_ERROR(CheckDenseConfig(config, folder.config.hidden_size,
                                        static_cast<int64_t>(settings.labels.size())));
  folder.files.push_back(config);
  folder.modules[2].used = true;
  folder.head_file = JoinPath(own, "model.safetensors");
  return absl::OkStatus();
}

// The head that graft.json describes: the family's own, or a linear layer.
absl::Status SetHead(ModelFolder& folder, const std::string& path, const GraftJson& settings) {
  const HeadLayout& own = *folder.architecture.architecture->heads().sequence;
  SequenceClassifierConfig& head = folder.head.emplace();
  head.of_family = settings.pooler;
  head.layout = settings.pooler ? own : LinearHead(settings.pooling, own.dropout);
  if (head.pooling() == settings.pooling) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": pooling: expected '", PoolingName(head.pooling()), "' of the head of ",
      folder.config.model_type, " (pooler: true), found '", PoolingName(settings.pooling), "'"));
}

// graft.json, where the folder has one, and the head that it describes.
absl::Status ReadGraftHead(ModelFolder& folder) {
  const std::string path = JoinPath(folder.path, "graft.json");
  ABSL_ASSIGN_OR_RETURN(const GraftJson settings, ReadGraftJson(path));
  folder.files.push_back(path);
  folder.labels = settings.labels;
  if (settings.max_length > folder.config.max_positions) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": max_length: expected at most ", folder.config.max_positions,
                     " (max_position_embeddings), found ", settings.max_length));
  }
  folder.max_length = settings.max_length;
  folder.max_length_is_set = true;
  folder.training = settings.training;
  ABSL_RETURN_IF_ERROR(SetHead(folder, path, settings));
  const bool dense = !folder.modules.empty();
  if (dense) ABSL_RETURN_IF_ERROR(ReadDenseHead(folder, settings));
  if (dense == settings.pooler) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": pooler: expected ", dense ? "false" : "true", " beside ",
                     dense ? "a" : "no", " Dense module in modules.json"));
  }
  if (dense && folder.pooling && *folder.pooling != settings.pooling) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": pooling: expected '", PoolingName(*folder.pooling),
                     "' as the pooling file says, found '", PoolingName(settings.pooling), "'"));
  }
  return absl::OkStatus();
}

// The head of the first class that config.json names.
absl::Status ReadFamilyHead(ModelFolder& folder) {
  const EncoderConfig& config = folder.config;
  const HeadLayout* layout = FindHead(folder.architecture);
  if (layout == nullptr) return absl::OkStatus();
  const HeadKind kind = HeadOf(folder.architecture);
  if (kind == HeadKind::kLanguage) {
    folder.language_head = {.layout = *layout,
                            .hidden_size = config.hidden_size,
                            .vocab_size = config.vocab_size,
                            .causal = config.causal};
    return absl::OkStatus();
  }
  if (kind == HeadKind::kSequence) ABSL_RETURN_IF_ERROR(CheckProblemType(folder.config_file));
  ABSL_ASSIGN_OR_RETURN(folder.labels, ReadLabels(folder.config_file));
  if (kind == HeadKind::kSequence) {
    folder.head.emplace().layout = *layout;
    return absl::OkStatus();
  }
  folder.token_head = {.layout = *layout,
                       .hidden_size = config.hidden_size,
                       .classes = static_cast<int64_t>(folder.labels.size()),
                       .initializer_range = config.initializer_range};
  return absl::OkStatus();
}

absl::Status ReadHead(ModelFolder& folder) {
  const bool own = PathExists(JoinPath(folder.path, "graft.json"));
  ABSL_RETURN_IF_ERROR(own ? ReadGraftHead(folder) : ReadFamilyHead(folder));
  if (folder.head) {
    folder.head->hidden_size = folder.config.hidden_size;
    folder.head->classes = static_cast<int64_t>(folder.labels.size());
    folder.head->initializer_range = folder.config.initializer_range;
  }
  return absl::OkStatus();
}

// What a folder has for Python to run.
std::vector<std::string> Programs(const ModelFolder& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder.transformer, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".py") names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  if (folder.config.names_programs) names.insert(names.begin(), "auto_map of config.json");
  return names;
}

absl::Status ReadMaxLength(ModelFolder& folder) {
  folder.max_length = folder.config.max_positions;
  const std::string path = JoinPath(folder.transformer, "sentence_bert_config.json");
  if (!PathExists(path)) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  ABSL_ASSIGN_OR_RETURN(
      const int64_t length,
      document.root().GetInt("max_seq_length", kMinTextTokens, kMaxTextTokens, folder.max_length));
  folder.max_length = std::min(folder.max_length, length);
  folder.files.push_back(path);
  return absl::OkStatus();
}

absl::StatusOr<ModelFolder> Open(const std::string& path, Use use) {
  const absl::Status exists = ExpectFolder(path);
  if (absl::IsNotFound(exists)) {
    const auto old = FindInterruptedReplacement(path);
    return absl::NotFoundError(absl::StrCat(
        exists.message(),
        old ? absl::StrCat("; the old one of an interrupted replacement is ", *old) : ""));
  }
  ABSL_RETURN_IF_ERROR(exists);
  ModelFolder folder;
  folder.path = path;
  folder.transformer = path;
  if (IsWordModelFolder(path)) {
    ABSL_RETURN_IF_ERROR(OpenWordModel(folder));
    if (use == Use::kEncoder) folder.head.reset();
    return folder;
  }
  if (PathExists(JoinPath(path, "modules.json")))
    ABSL_RETURN_IF_ERROR(ReadSentenceTransformers(folder, use));
  folder.config_file = ConfigFile(folder.transformer);
  ABSL_ASSIGN_OR_RETURN(folder.architecture, ReadArchitecture(folder.config_file));
  folder.config = folder.architecture.architecture->config();
  folder.files.push_back(folder.config_file);
  ABSL_RETURN_IF_ERROR(ReadMaxLength(folder));
  if (use == Use::kHeads) ABSL_RETURN_IF_ERROR(ReadHead(folder));
  folder.programs = Programs(folder);
  return folder;
}

}  // namespace

std::string ConfigFile(const std::string& folder) {
  std::string path = JoinPath(folder, "config.json");
  const std::string of_bert = JoinPath(folder, "bert_config.json");
  return !PathExists(path) && PathExists(of_bert) ? of_bert : path;
}

absl::StatusOr<ModelFolder> OpenModelFolder(const std::string& path) {
  return Open(path, Use::kHeads);
}

absl::StatusOr<ModelFolder> OpenEncoderFolder(const std::string& path) {
  return Open(path, Use::kEncoder);
}

}  // namespace graft
