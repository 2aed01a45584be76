#include "tasks/word_model_folder.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "embeddings/vector_folder.h"
#include "embeddings/write.h"
#include "models/checkpoint.h"
#include "models/weights/weight_files.h"
#include "tasks/graft_json.h"

namespace graft {
namespace {

constexpr const char* kWordsFile = "words.txt";
constexpr uint64_t kMaxWordsBytes = uint64_t{4} << 30;

// What the composer has beside its weights: the words' weights [V] and the component [1, H].
std::vector<SlotLayout> FixedSlots(const WordModelSettings& settings) {
  if (!settings.weighted) return {};
  return {{{{"sif.weights", {settings.vocabulary}}}},
          {{{"sif.component", {1, settings.composer.input_size}}}}};
}

absl::StatusOr<std::vector<WordVectors>> OpenSets(const ModelFolder& folder) {
  std::vector<WordVectors> sets;
  for (const int64_t width : folder.words->set_widths) {
    const std::string path = JoinPath(folder.path, WordSetFolder(sets.size()));
    ABSL_ASSIGN_OR_RETURN(WordVectors set, OpenVectorFolder(path));
    if (set.width() != width) {
      return absl::DataLossError(absl::StrCat(path, ": expected vectors of ", width,
                                              " components, as graft.json says, found ",
                                              set.width()));
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

absl::StatusOr<Words> OpenVocabulary(const ModelFolder& folder) {
  if (folder.words->vocabulary == 0) return Words();
  const std::string path = JoinPath(folder.path, kWordsFile);
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxWordsBytes));
  return ParseWordList(text, folder.words->vocabulary, path);
}

// Takes the last `count` tensors.
std::vector<at::Tensor> TakeLast(std::vector<at::Tensor>& tensors, size_t count) {
  const auto first = tensors.end() - static_cast<int64_t>(count);
  std::vector<at::Tensor> taken(std::make_move_iterator(first),
                                std::make_move_iterator(tensors.end()));
  tensors.resize(tensors.size() - count);
  return taken;
}

absl::StatusOr<std::vector<float>> FiniteFloats(const at::Tensor& tensor, const std::string& what) {
  const float* data = tensor.const_data_ptr<float>();
  std::vector<float> floats(data, data + tensor.numel());
  for (const float value : floats) {
    if (!std::isfinite(value)) {
      return absl::DataLossError(absl::StrCat(what, ": expected finite numbers, found ", value));
    }
  }
  return floats;
}

}  // namespace

std::string WordSetFolder(size_t set) { return absl::StrCat("vectors-", set + 1); }

bool IsWordModelFolder(const std::string& path) {
  const std::string file = JoinPath(path, "graft.json");
  if (!PathExists(file)) return false;
  const auto document = JsonDocument::Load(file);
  if (document.ok() && document->root().Find("words").has_value()) return true;
  // No other layout has graft.json and none of these: let its reader say what is wrong.
  const auto has = [&](const char* name) { return PathExists(JoinPath(path, name)); };
  return !has("config.json") && !has("bert_config.json") && !has("modules.json");
}

absl::Status OpenWordModel(ModelFolder& folder) {
  const std::string path = JoinPath(folder.path, "graft.json");
  ABSL_ASSIGN_OR_RETURN(GraftJson settings, ReadGraftJson(path));
  if (!settings.words) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": words: expected an object where there is no config.json, found none"));
  }
  folder.config_file = path;
  folder.files.push_back(path);
  folder.labels = std::move(settings.labels);
  folder.max_length = settings.max_length;
  folder.max_length_is_set = true;
  folder.training = std::move(settings.training);
  folder.words = std::move(settings.words);
  folder.architecture = MakeWordBackbone(folder.words->backbone);
  folder.config = folder.architecture.architecture->config();
  folder.head = {.of_family = false,
                 .layout = LinearHead(Pooling::kMean, folder.words->dropout),
                 .hidden_size = folder.config.hidden_size,
                 .classes = static_cast<int64_t>(folder.labels.size()),
                 .initializer_range = folder.config.initializer_range,
                 .composer = folder.words->composer};
  return absl::OkStatus();
}

absl::Status LoadWordModel(LoadedModel& model) {
  ModelFolder& folder = model.folder;
  const WordModelSettings& settings = *folder.words;
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder.path));
  std::vector<SlotLayout> slots = BackboneSlots(*folder.architecture.architecture);
  const size_t backbone_slots = slots.size();
  const std::vector<SlotLayout> fixed_slots = FixedSlots(settings);
  if (folder.head) {
    for (SlotLayout& slot : SequenceClassifier::Layout(*folder.head)) slots.push_back(slot);
  }
  const size_t head_slots = slots.size() - backbone_slots;
  slots.insert(slots.end(), fixed_slots.begin(), fixed_slots.end());
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded, LoadTensors(files, slots, ""));
  std::vector<float> weights;
  if (settings.weighted) {
    const std::vector<at::Tensor> fixed = TakeLast(loaded.tensors, fixed_slots.size());
    ABSL_ASSIGN_OR_RETURN(weights,
                          FiniteFloats(fixed[0], absl::StrCat(folder.path, ": sif.weights")));
    ABSL_RETURN_IF_ERROR(
        FiniteFloats(fixed[1], absl::StrCat(folder.path, ": sif.component")).status());
    if (folder.head) folder.head->composer->component = fixed[1];
  }
  std::vector<at::Tensor> head = TakeLast(loaded.tensors, head_slots);
  model.backbone = std::make_shared<const Backbone>(folder.architecture, std::move(loaded.tensors));
  if (folder.head) model.head.emplace(*folder.head, std::move(head));
  model.weight_format = files.format();
  model.weight_bytes = files.size();
  model.mapped = loaded.mapped;
  model.unused_tensors = std::move(loaded.unused);
  ABSL_ASSIGN_OR_RETURN(std::vector<WordVectors> sets, OpenSets(folder));
  ABSL_ASSIGN_OR_RETURN(Words vocabulary, OpenVocabulary(folder));
  model.words = std::make_shared<const WordModel>(settings, std::move(sets), std::move(vocabulary),
                                                  std::move(weights));
  const std::vector<std::string> paths = files.paths();
  folder.files.insert(folder.files.end(), paths.begin(), paths.end());
  if (settings.vocabulary > 0) folder.files.push_back(JoinPath(folder.path, kWordsFile));
  for (size_t set = 0; set < settings.set_widths.size(); ++set) {
    const std::string vectors = JoinPath(folder.path, WordSetFolder(set));
    for (const char* name : {"vectors.safetensors", "words.txt", "words.index"}) {
      folder.files.push_back(JoinPath(vectors, name));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteWordModel(const std::string& folder, const ClassifierToSave& model) {
  const WordModel& words = *model.words;
  const WordModelSettings& settings = words.settings();
  const GraftJson json{.labels = *model.labels,
                       .max_length = model.max_length,
                       .training = model.training,
                       .words = settings};
  ABSL_RETURN_IF_ERROR(WriteFileDurably(JoinPath(folder, "graft.json"), FormatGraftJson(json)));
  if (settings.vocabulary > 0) {
    ABSL_RETURN_IF_ERROR(
        WriteFileDurably(JoinPath(folder, kWordsFile), FormatWordList(words.vocabulary())));
  }
  std::vector<NamedTensor> tensors = model.backbone->Parameters();
  for (NamedTensor& tensor : model.head->Parameters()) tensors.push_back(std::move(tensor));
  if (settings.weighted) {
    const std::vector<float>& weights = words.weights();
    const at::Tensor copy = at::empty({static_cast<int64_t>(weights.size())}, at::kFloat);
    std::copy(weights.begin(), weights.end(), copy.mutable_data_ptr<float>());
    tensors.push_back({"sif.weights", copy});
    tensors.push_back({"sif.component", model.head->config().composer->component});
  }
  ABSL_RETURN_IF_ERROR(SaveTensors(JoinPath(folder, "model.safetensors"), tensors));
  for (size_t set = 0; set < words.sets().size(); ++set) {
    const WordVectors& vectors = words.sets()[set].vectors();
    ABSL_RETURN_IF_ERROR(
        WriteWordVectors(vectors, JoinPath(folder, WordSetFolder(set)),
                         {.format = VectorFormat::kGraft, .storage = vectors.matrix().storage}));
  }
  return absl::OkStatus();
}

}  // namespace graft
