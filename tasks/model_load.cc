// The weights and the tokenizer of a model folder.
#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "models/catch_errors.h"
#include "models/checkpoint.h"
#include "models/head.h"
#include "models/weights/weight_files.h"
#include "tasks/encoder_folder.h"
#include "tasks/model_folder.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

// Keeps what a saved folder takes over, so that the source may change or go while a model trains.
absl::Status CarryFiles(const Tokenizer& tokenizer, ModelFolder& folder) {
  constexpr uint64_t kMaxBytes = 256'000'000;
  std::set<std::string> names = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                 "special_tokens_map.json", "added_tokens.json"};
  for (const std::string& path : tokenizer.files()) {
    names.insert(path.substr(path.rfind('/') + 1));
  }
  for (const std::string& name : names) {
    const std::string path = JoinPath(folder.transformer, name);
    if (!PathExists(path)) continue;
    ABSL_ASSIGN_OR_RETURN(folder.carried_files[name], ReadFile(path, kMaxBytes));
  }
  ABSL_ASSIGN_OR_RETURN(folder.carried_files["config.json"],
                        ReadFile(folder.config_file, kMaxBytes));
  return absl::OkStatus();
}

// The slots of the head as its file names them: a Dense module calls the layer `linear`.
std::vector<SlotLayout> NamedHeadSlots(const SequenceClassifierConfig& config, bool dense) {
  std::vector<SlotLayout> slots = SequenceClassifier::Layout(config);
  if (dense) {
    slots[0].parts[0].name = "linear.weight";
    slots[1].parts[0].name = "linear.bias";
  }
  return slots;
}

// The slots of the head that the main file must have.
std::vector<SlotLayout> HeadSlotsInside(const ModelFolder& folder) {
  if (folder.token_head) return TokenClassifier::Layout(*folder.token_head);
  if (folder.head && folder.head_file.empty()) return NamedHeadSlots(*folder.head, false);
  return {};
}

// Takes the tensors from `first` on.
std::vector<at::Tensor> TakeFrom(std::vector<at::Tensor>& tensors, size_t first) {
  std::vector<at::Tensor> taken(std::make_move_iterator(tensors.begin() + first),
                                std::make_move_iterator(tensors.end()));
  tensors.resize(first);
  return taken;
}

absl::Status LoadDenseHead(LoadedModel& model) {
  const ModelFolder& folder = model.folder;
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::Open(folder.head_file));
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded,
                        LoadTensors(files, NamedHeadSlots(*folder.head, true), ""));
  model.head.emplace(*folder.head, std::move(loaded.tensors));
  model.weight_bytes += files.size();
  for (const std::string& name : loaded.unused) {
    model.unused_tensors.push_back(JoinPath(folder.modules[2].path, name));
  }
  model.folder.files.push_back(folder.head_file);
  return absl::OkStatus();
}

// Names the tensors of Dense modules that are not graft's head.
absl::Status ListUnusedModules(LoadedModel& model) {
  for (const SentenceModule& module : model.folder.modules) {
    if (module.used || module.type != "Dense" || module.path.empty()) continue;
    const auto files = WeightFiles::OpenFolder(JoinPath(model.folder.path, module.path));
    if (absl::IsNotFound(files.status())) continue;
    ABSL_RETURN_IF_ERROR(files.status());
    for (const TensorInfo& tensor : files->tensors()) {
      model.unused_tensors.push_back(JoinPath(module.path, tensor.name));
    }
  }
  return absl::OkStatus();
}

// Takes from the unused tensors those that are not among `others`, which are sorted.
void NoteUsed(const std::vector<std::string>& others, LoadedModel& model) {
  std::erase_if(model.unused_tensors, [&](const std::string& name) {
    return !std::binary_search(others.begin(), others.end(), name);
  });
}

// A tensor under this name that holds the numbers of `original` counts as used.
absl::Status NoteCopy(const WeightFiles& files, const std::string& name, const at::Tensor& original,
                      LoadedModel& model) {
  const std::string_view prefix = PrefixIn(files, model.backbone->family());
  const std::vector<SlotLayout> slots = {{{{name, original.sizes().vec()}}}};
  const TensorMismatch mismatch = CompareTensors(files, slots, prefix);
  if (!mismatch.missing.empty() || !mismatch.other_shape.empty()) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const LoadedTensors loaded, LoadTensors(files, slots, prefix));
  if (loaded.tensors[0].equal(original)) NoteUsed(loaded.unused, model);
  return absl::OkStatus();
}

bool HasAll(const WeightFiles& files, const LanguageHeadConfig& config, std::string_view prefix) {
  return CompareTensors(files, LanguageHead::Layout(config), prefix).missing.empty();
}

// The head of a language model, where the files have it.
absl::Status LoadLanguageHead(const WeightFiles& files, LoadedModel& model) {
  if (!model.folder.language_head) return absl::OkStatus();
  LanguageHeadConfig config = *model.folder.language_head;
  const std::string_view prefix = PrefixIn(files, model.backbone->family());
  // A tied head may bring its own copy of the table. If that is another matrix it counts, as in
  // transformers.
  const bool tied = std::exchange(config.layout.tied, false);
  if (tied && !HasAll(files, config, prefix)) config.layout.tied = true;
  if (!HasAll(files, config, prefix)) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded,
                        LoadTensors(files, LanguageHead::Layout(config), prefix));
  NoteUsed(loaded.unused, model);
  std::vector<at::Tensor>& tensors = loaded.tensors;
  // Weight and bias of the output, and the rest of the weight, are the last (HeadSlots).
  auto weight = tensors.end() - (config.layout.output_rest.empty() ? 1 : 2);
  if (config.layout.output_bias) {
    const at::Tensor& bias = *weight--;
    // Stored under both of its names by some.
    for (const std::string& name :
         {absl::StrCat(config.layout.output, ".bias"), config.layout.output_bias_name}) {
      if (!name.empty()) ABSL_RETURN_IF_ERROR(NoteCopy(files, name, bias, model));
    }
  }
  if (tied && !config.layout.tied) {
    config.layout.tied = weight->equal(WordTable(*model.backbone));
    if (config.layout.tied) tensors.erase(weight);
  }
  model.language_head.emplace(std::move(config), std::move(tensors));
  return absl::OkStatus();
}

// The slots of the encoder's own pooler, where the family's head begins with it.
std::vector<SlotLayout> PoolerSlots(const Architecture& architecture) {
  const HeadLayout& head = *architecture.heads().sequence;
  if (!head.dense_is_pooler) return {};
  std::vector<SlotLayout> slots = HeadSlots(head, architecture.config().hidden_size, 1);
  slots.resize(2);  // weight and bias of the dense layer
  return slots;
}

// The pretrained pooler, which a new head of the family starts from.
absl::Status LoadPooler(const WeightFiles& files, LoadedModel& model) {
  const std::vector<SlotLayout> slots = PoolerSlots(model.backbone->architecture());
  const std::string_view prefix = PrefixIn(files, model.backbone->family());
  const bool used = model.head && model.head->config().of_family;
  if (slots.empty() || used || !CompareTensors(files, slots, prefix).missing.empty()) {
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded, LoadTensors(files, slots, prefix));
  model.pooler = std::move(loaded.tensors);
  if (model.folder.head || model.folder.pooling) return absl::OkStatus();
  NoteUsed(loaded.unused, model);
  return absl::OkStatus();
}

absl::Status LoadWeights(LoadedModel& model) {
  ModelFolder& folder = model.folder;
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder.transformer));
  std::vector<SlotLayout> slots = BackboneSlots(*folder.architecture.architecture);
  const size_t backbone_slots = slots.size();
  for (SlotLayout& slot : HeadSlotsInside(folder)) slots.push_back(std::move(slot));
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded,
                        LoadTensors(files, slots, PrefixIn(files, *folder.architecture.family)));
  std::vector<at::Tensor> head = TakeFrom(loaded.tensors, backbone_slots);
  model.backbone = std::make_shared<const Backbone>(folder.architecture, std::move(loaded.tensors));
  model.weight_format = files.format();
  model.weight_bytes = files.size();
  model.mapped = loaded.mapped;
  model.unused_tensors = std::move(loaded.unused);
  const std::vector<std::string> paths = files.paths();
  folder.files.insert(folder.files.end(), paths.begin(), paths.end());
  if (folder.token_head) {
    model.token_head.emplace(*folder.token_head, std::move(head));
  } else if (folder.head && folder.head_file.empty()) {
    model.head.emplace(*folder.head, std::move(head));
  } else if (folder.head) {
    ABSL_RETURN_IF_ERROR(LoadDenseHead(model));
  }
  ABSL_RETURN_IF_ERROR(LoadLanguageHead(files, model));
  ABSL_RETURN_IF_ERROR(LoadPooler(files, model));
  return ListUnusedModules(model);
}

absl::StatusOr<LoadedModel> Load(absl::StatusOr<ModelFolder> opened) {
  LoadedModel model;
  ABSL_ASSIGN_OR_RETURN(model.folder, std::move(opened));
  if (model.folder.words) {
    ABSL_RETURN_IF_ERROR(LoadWordModel(model));
    return model;
  }
  ModelFolder& folder = model.folder;
  ABSL_ASSIGN_OR_RETURN(model.tokenizer, LoadTokenizer(folder.transformer));
  const Tokenizer& tokenizer = *model.tokenizer;
  folder.files.insert(folder.files.end(), tokenizer.files().begin(), tokenizer.files().end());
  if (tokenizer.model_max_length() > 0 && !folder.max_length_is_set) {
    folder.max_length =
        std::min(folder.max_length, static_cast<int64_t>(tokenizer.model_max_length()));
  }
  // LoadTokenizer compares the two; what it read may not be what was read before it.
  if (static_cast<int64_t>(tokenizer.vocabulary_size()) > folder.config.vocab_size) {
    return absl::DataLossError(absl::StrCat(folder.config_file, ": changed while it was read"));
  }
  ABSL_RETURN_IF_ERROR(CarryFiles(tokenizer, folder));
  ABSL_RETURN_IF_ERROR(LoadWeights(model));
  return model;
}

}  // namespace

absl::StatusOr<LoadedModel> LoadModel(const std::string& path) {
  return CatchErrors(path, [&] { return Load(OpenModelFolder(path)); });
}

absl::StatusOr<LoadedModel> LoadEncoder(const std::string& path) {
  return CatchErrors(path, [&] { return Load(OpenEncoderFolder(path)); });
}

std::string DescribeHead(const LoadedModel& model) {
  if (model.head) return absl::StrCat("text classification, ", DescribeHead(model.head->config()));
  if (model.token_head) {
    return absl::StrCat("token classification, ", model.token_head->config().classes, " labels");
  }
  if (!model.language_head) return "none";
  return model.language_head->config().causal ? "causal language model" : "masked language model";
}

}  // namespace graft
