// Writing a classifier's folder.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "models/catch_errors.h"
#include "models/checkpoint.h"
#include "nlohmann/json.hpp"
#include "tasks/converted_folder.h"
#include "tasks/graft_json.h"
#include "tasks/model_folder.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

using nlohmann::ordered_json;

absl::Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0) return ErrnoStatus(errno, path, "create the folder");
  return absl::OkStatus();
}

absl::Status WriteJson(const std::string& folder, std::string_view name, const ordered_json& json) {
  return WriteFileDurably(JoinPath(folder, name), json.dump(2) + "\n");
}

// What config.json says of a head.
struct HeadConfig {
  std::string architecture;                          // class of transformers
  const std::vector<std::string>* labels = nullptr;  // null for an encoder alone
  bool single_label = false;                         // of texts
};

// config.json of the source with the head's part exchanged and without names of programs; all its
// other keys stay.
absl::Status WriteConfig(const std::string& folder, const ModelFolder& source,
                         const HeadConfig& head) {
  ordered_json config = ordered_json::parse(source.carried_files.at("config.json"));
  for (const char* key : {"architectures", "id2label", "label2id", "num_labels", "problem_type",
                          "torch_dtype", "dtype", "auto_map"}) {
    config.erase(key);
  }
  config["torch_dtype"] = "float32";
  config["model_type"] = source.config.model_type;  // bert_config.json has none
  config["architectures"] = {head.architecture};
  if (head.single_label) config["problem_type"] = "single_label_classification";
  if (head.labels != nullptr) {
    ordered_json id2label = ordered_json::object(), label2id = ordered_json::object();
    for (size_t i = 0; i < head.labels->size(); ++i) {
      id2label[absl::StrCat(i)] = (*head.labels)[i];
      label2id[(*head.labels)[i]] = i;
    }
    config["id2label"] = std::move(id2label);
    config["label2id"] = std::move(label2id);
  }
  return WriteJson(folder, "config.json", config);
}

// The source's files as they are, but for the length at which transformers cuts.
absl::Status WriteTokenizer(const std::string& folder, const ModelFolder& source,
                            int64_t max_length) {
  constexpr std::string_view kConfig = "tokenizer_config.json";
  ordered_json config = ordered_json::object();
  for (const auto& [name, contents] : source.carried_files) {
    if (name == "config.json") continue;  // written with the head's part exchanged
    if (name == kConfig) {
      config = ordered_json::parse(contents);
    } else {
      ABSL_RETURN_IF_ERROR(WriteFileDurably(JoinPath(folder, name), contents));
    }
  }
  config["model_max_length"] = max_length;
  return WriteJson(folder, kConfig, config);
}

absl::Status WriteGraftJson(const std::string& folder, const ClassifierToSave& model) {
  const SequenceClassifierConfig& head = model.head->config();
  const GraftJson settings{*model.labels, head.pooling(), head.of_family, model.max_length,
                           model.training};
  return WriteFileDurably(JoinPath(folder, "graft.json"), FormatGraftJson(settings));
}

std::vector<NamedTensor> WithPrefix(std::vector<NamedTensor> tensors, std::string_view prefix) {
  for (NamedTensor& tensor : tensors) tensor.name = absl::StrCat(prefix, tensor.name);
  return tensors;
}

// One file with encoder, pooler and classifier, as transformers names them. `head`: its parameters.
absl::Status WriteTransformersWeights(const std::string& folder, const Backbone& backbone,
                                      const HeadLayout& layout, std::vector<NamedTensor> head) {
  const std::string_view prefix = backbone.family().prefix;
  std::vector<NamedTensor> tensors = WithPrefix(backbone.Parameters(), prefix);
  for (NamedTensor& tensor : head) {
    if (layout.dense_is_pooler && tensor.name.starts_with(layout.dense)) {
      tensor.name = absl::StrCat(prefix, tensor.name);
    }
    tensors.push_back(std::move(tensor));
  }
  return SaveTensors(JoinPath(folder, "model.safetensors"), tensors);
}

ordered_json PoolingJson(Pooling pooling, int64_t hidden_size) {
  return {{"word_embedding_dimension", hidden_size},
          {"pooling_mode_cls_token", pooling == Pooling::kCls},
          {"pooling_mode_mean_tokens", pooling == Pooling::kMean},
          {"pooling_mode_max_tokens", pooling == Pooling::kMax},
          {"pooling_mode_mean_sqrt_len_tokens", false},
          {"pooling_mode_weightedmean_tokens", false},
          {"pooling_mode_lasttoken", pooling == Pooling::kLast},
          {"include_prompt", true}};
}

// Transformer, Pooling and a Dense module without activation: its output is the logits.
absl::Status WriteSentenceTransformers(const std::string& folder, const ClassifierToSave& model) {
  const SequenceClassifierConfig& head = model.head->config();
  const auto module = [](int index, const char* path, const char* type) {
    return ordered_json{{"idx", index},
                        {"name", absl::StrCat(index)},
                        {"path", path},
                        {"type", absl::StrCat("sentence_transformers.models.", type)}};
  };
  ABSL_RETURN_IF_ERROR(WriteJson(
      folder, "modules.json",
      ordered_json::array({module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling"),
                           module(2, "2_Dense", "Dense")})));
  ABSL_RETURN_IF_ERROR(WriteJson(folder, "sentence_bert_config.json",
                                 {{"max_seq_length", model.max_length}, {"do_lower_case", false}}));
  const std::string pooling = JoinPath(folder, "1_Pooling"), dense = JoinPath(folder, "2_Dense");
  ABSL_RETURN_IF_ERROR(MakeFolder(pooling));
  ABSL_RETURN_IF_ERROR(
      WriteJson(pooling, "config.json", PoolingJson(head.pooling(), head.hidden_size)));
  ABSL_RETURN_IF_ERROR(MakeFolder(dense));
  ABSL_RETURN_IF_ERROR(WriteJson(dense, "config.json",
                                 {{"in_features", head.hidden_size},
                                  {"out_features", head.classes},
                                  {"bias", true},
                                  {"activation_function", "torch.nn.modules.linear.Identity"}}));
  std::vector<NamedTensor> tensors = model.head->Parameters();
  tensors[0].name = "linear.weight";
  tensors[1].name = "linear.bias";
  ABSL_RETURN_IF_ERROR(SaveTensors(JoinPath(dense, "model.safetensors"), tensors));
  return SaveTensors(JoinPath(folder, "model.safetensors"), model.backbone->Parameters());
}

// Only what graft wrote is ever replaced: a mistyped path must not cost other things.
absl::StatusOr<DurableFolder> OpenSavePath(const std::string& path, bool replace) {
  // What an interrupted replacement left is put back before the folder is looked at.
  ABSL_RETURN_IF_ERROR(PutBackInterruptedReplacement(path));
  if (replace) ABSL_RETURN_IF_ERROR(CheckReplaceable(path));
  return DurableFolder::Create(path, replace);
}

// What came into the old folder meanwhile must not go with it.
absl::Status Replace(const std::string& path, bool replace, DurableFolder& folder) {
  if (replace) ABSL_RETURN_IF_ERROR(CheckReplaceable(path));
  return folder.Commit();
}

absl::Status Save(const std::string& path, const ClassifierToSave& model, bool replace) {
  if (model.words != nullptr) {
    ABSL_ASSIGN_OR_RETURN(DurableFolder folder, OpenSavePath(path, replace));
    ABSL_RETURN_IF_ERROR(WriteWordModel(folder.path(), model));
    return Replace(path, replace, folder);
  }
  const SequenceClassifierConfig& head = model.head->config();
  const EncoderFamily& family = model.backbone->family();
  HeadConfig config = {.architecture = absl::StrCat(family.class_stem, "Model")};
  if (head.of_family) {
    config = {.architecture = SequenceClass(family), .labels = model.labels, .single_label = true};
  }
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, OpenSavePath(path, replace));
  ABSL_RETURN_IF_ERROR(WriteConfig(folder.path(), *model.source, config));
  ABSL_RETURN_IF_ERROR(WriteTokenizer(folder.path(), *model.source, model.max_length));
  ABSL_RETURN_IF_ERROR(WriteGraftJson(folder.path(), model));
  if (head.of_family) {
    ABSL_RETURN_IF_ERROR(WriteTransformersWeights(folder.path(), *model.backbone, head.layout,
                                                  model.head->Parameters()));
  } else {
    ABSL_RETURN_IF_ERROR(WriteSentenceTransformers(folder.path(), model));
  }
  return Replace(path, replace, folder);
}

absl::Status SaveTokens(const std::string& path, const TokenClassifierToSave& model, bool replace) {
  const HeadConfig config = {
      .architecture = absl::StrCat(model.backbone->family().class_stem, "ForTokenClassification"),
      .labels = model.labels};
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, OpenSavePath(path, replace));
  ABSL_RETURN_IF_ERROR(WriteConfig(folder.path(), *model.source, config));
  ABSL_RETURN_IF_ERROR(WriteTokenizer(folder.path(), *model.source, model.max_length));
  ABSL_RETURN_IF_ERROR(WriteTransformersWeights(
      folder.path(), *model.backbone, model.head->config().layout, model.head->Parameters()));
  return Replace(path, replace, folder);
}

}  // namespace

absl::Status CheckSavePath(const std::string& path, bool replace) {
  return OpenSavePath(path, replace).status();
}

absl::Status SaveClassifier(const std::string& path, const ClassifierToSave& model, bool replace) {
  return CatchErrors(path, [&] { return Save(path, model, replace); });
}

absl::Status SaveTokenClassifier(const std::string& path, const TokenClassifierToSave& model,
                                 bool replace) {
  return CatchErrors(path, [&] { return SaveTokens(path, model, replace); });
}

}  // namespace graft
