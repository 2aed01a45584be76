#include "tasks/convert_model.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "models/backbone.h"
#include "models/catch_errors.h"
#include "models/checkpoint.h"
#include "models/weights/convert_weights.h"
#include "nlohmann/json.hpp"
#include "tasks/graft_json.h"
#include "tasks/model_folder.h"
#include "tasks/sentence_modules.h"

namespace graft {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kMaxFileBytes = 256'000'000;  // of what is taken over as it is
constexpr std::string_view kConfig = "config.json", kBertConfig = "bert_config.json";
// Files that are taken over as they are; so are all NAME.model.
constexpr std::string_view kCarried[] = {"tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "added_tokens.json",
                                         "vocab.txt",
                                         "vocab.json",
                                         "merges.txt",
                                         "graft.json",
                                         "modules.json",
                                         "sentence_bert_config.json",
                                         "config_sentence_transformers.json",
                                         "generation_config.json"};

// Names in a folder, sorted.
absl::StatusOr<std::vector<std::string>> List(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return ErrnoStatus(error.value(), folder, "list");
  std::sort(names.begin(), names.end());
  return names;
}

std::string TorchName(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return "float16";
    case DType::kBF16:
      return "bfloat16";
    default:
      return "float32";
  }
}

// What the tensors of the original BERT release are, which its configuration does not say.
std::string ArchitectureOf(const WeightFiles& weights) {
  return weights.Find("cls.seq_relationship.weight") != nullptr ? "BertForPreTraining"
         : weights.Find("classifier.weight") != nullptr         ? "BertForSequenceClassification"
                                                                : "BertModel";
}

// The configuration of a model or a module, for today's readers.
absl::StatusOr<std::string> ConvertConfig(const std::string& path, const WeightFiles& weights,
                                          std::optional<DType> dtype) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  {
    // Its depth and its keys are checked before it is read a second time, to be written.
    ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
    ABSL_RETURN_IF_ERROR(document.root().AsObject().status());
  }
  ordered_json config = ordered_json::parse(text);
  if (absl::EndsWith(path, kBertConfig)) {
    if (!config.contains("model_type")) config["model_type"] = "bert";
    if (!config.contains("architectures")) config["architectures"] = {ArchitectureOf(weights)};
  }
  config.erase("auto_map");  // names of programs
  if (dtype) {
    const bool newer = config.contains("dtype");
    config[newer ? "dtype" : "torch_dtype"] = TorchName(*dtype);
  }
  return config.dump(2) + "\n";
}

// The order in which graft maps the tensors; none for models that it does not compute. Refused: a
// configuration that no library can read, or with which these weights make no model.
absl::StatusOr<std::vector<std::string>> OrderOf(const std::string& config_file,
                                                 const WeightFiles& weights) {
  if (!PathExists(config_file)) return std::vector<std::string>();
  const auto read = ReadArchitecture(config_file);
  if (absl::IsUnimplemented(read.status())) return std::vector<std::string>();
  ABSL_RETURN_IF_ERROR(read.status());
  const std::vector<SlotLayout> slots = BackboneSlots(*read->architecture);
  const std::string_view prefix = read->family->prefix;
  // What is missing others may do without, or begin anew.
  const TensorMismatch mismatch = CompareTensors(weights, slots, prefix);
  if (!mismatch.other_shape.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        weights.path(), ": expected tensors as ", config_file, " says, found ",
        mismatch.other_shape.size(), " of another shape: ", mismatch.other_shape.front()));
  }
  return NamesInOrder(weights, slots, prefix);
}

class Conversion {
 public:
  Conversion(const std::string& from, const ConvertOptions& options, std::string to)
      : from_(from), to_(std::move(to)), options_(options) {}

  absl::StatusOr<ConvertedModel> Run() {
    if (PathExists(JoinPath(from_, "modules.json"))) {
      ABSL_ASSIGN_OR_RETURN(modules_, ReadSentenceModules(JoinPath(from_, "modules.json")));
    }
    for (const SentenceModule& module : modules_) folders_.insert(module.path);
    const std::string model = modules_.empty() ? "" : modules_[0].path;
    folders_.insert("");
    for (const std::string& folder : folders_) {
      ABSL_RETURN_IF_ERROR(ConvertFolder(folder, folder == model));
    }
    return std::move(result_);
  }

 private:
  static std::string Join(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : JoinPath(folder, name);
  }

  absl::Status ConvertFolder(const std::string& folder, bool is_model) {
    const std::string from = folder.empty() ? from_ : JoinPath(from_, folder);
    const std::string to = folder.empty() ? to_ : JoinPath(to_, folder);
    // A module without files of its own (Normalize) need not have a folder.
    if (!is_model && !PathExists(from)) return absl::OkStatus();
    if (!folder.empty() && ::mkdir(to.c_str(), 0777) != 0) {
      return ErrnoStatus(errno, to, "create the folder");
    }
    ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, List(from));
    absl::StatusOr<WeightFiles> weights = WeightFiles::OpenFolder(from);
    if (!weights.ok() && (is_model || !absl::IsNotFound(weights.status()))) {
      return weights.status();
    }
    const std::string config = ConfigFile(from);
    if (weights.ok()) {
      ABSL_RETURN_IF_ERROR(WriteWeights(folder, *weights, is_model ? config : "", to));
    }
    if (weights.ok() && PathExists(config)) {
      ABSL_ASSIGN_OR_RETURN(
          const std::string text,
          ConvertConfig(config, *weights, is_model ? options_.dtype : std::nullopt));
      ABSL_RETURN_IF_ERROR(Write(folder, std::string(kConfig), text));
    }
    std::set<std::string> known = {std::string(kConfig), std::string(kBertConfig)};
    if (weights.ok()) {
      for (const std::string& path : weights->paths()) {
        known.insert(path.substr(path.rfind('/') + 1));
      }
    }
    for (const std::string& name : names) {
      if (name == kConfig && !weights.ok()) {
        ABSL_RETURN_IF_ERROR(Carry(folder, name));  // of a module without weights
      } else if (absl::c_linear_search(kCarried, name) || absl::EndsWith(name, ".model")) {
        ABSL_RETURN_IF_ERROR(Carry(folder, name));
      } else if (!known.contains(name) && !folders_.contains(Join(folder, name))) {
        result_.left_out.push_back(Join(folder, name));
      }
    }
    return absl::OkStatus();
  }

  absl::Status WriteWeights(const std::string& folder, const WeightFiles& weights,
                            const std::string& config, const std::string& to) {
    WeightConversion conversion{.dtype = options_.dtype,
                                .max_shard_bytes = options_.max_shard_bytes};
    if (!config.empty()) {
      ABSL_ASSIGN_OR_RETURN(conversion.first, OrderOf(config, weights));
      result_.format = weights.format();
    }
    ABSL_ASSIGN_OR_RETURN(const ConvertedWeights written, WriteConverted(weights, conversion, to));
    for (const std::string& name : written.files) result_.files.push_back(Join(folder, name));
    for (const std::string& name : weights.others()) result_.others.push_back(Join(folder, name));
    result_.tensors += written.tensors;
    result_.bytes += written.bytes;
    result_.renamed += written.renamed;
    return absl::OkStatus();
  }

  absl::Status Carry(const std::string& folder, const std::string& name) {
    ABSL_ASSIGN_OR_RETURN(const std::string bytes,
                          ReadFile(JoinPath(from_, Join(folder, name)), kMaxFileBytes));
    return Write(folder, name, bytes);
  }

  absl::Status Write(const std::string& folder, const std::string& name, std::string_view bytes) {
    result_.files.push_back(Join(folder, name));
    return WriteFileDurably(JoinPath(to_, result_.files.back()), bytes);
  }

  const std::string& from_;
  const std::string to_;
  const ConvertOptions& options_;
  std::vector<SentenceModule> modules_;
  std::set<std::string> folders_;  // relative; "" for the model folder itself
  ConvertedModel result_;
};

// Only what graft wrote is ever replaced.
bool MayReplace(const std::string& path) {
  if (ReadGraftJson(JoinPath(path, "graft.json")).ok()) return true;
  const auto weights = WeightFiles::OpenFolder(path);
  return weights.ok() && weights->written_by_graft();
}

absl::StatusOr<ConvertedModel> Convert(const std::string& from, const std::string& to,
                                       const ConvertOptions& options) {
  if (!PathExists(from)) return absl::NotFoundError(absl::StrCat(from, ": no such folder"));
  if (!IsFolder(from)) {
    return absl::InvalidArgumentError(
        absl::StrCat(from, ": expected a model folder, found a file"));
  }
  std::error_code error;
  if (std::filesystem::equivalent(from, to, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(to, ": expected another folder than that of the model"));
  }
  ABSL_RETURN_IF_ERROR(PutBackInterruptedReplacement(to));
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder,
                        DurableFolder::Create(to, options.replace && MayReplace(to)));
  ABSL_ASSIGN_OR_RETURN(ConvertedModel result, Conversion(from, options, folder.path()).Run());
  ABSL_RETURN_IF_ERROR(folder.Commit());
  std::sort(result.files.begin(), result.files.end());
  return result;
}

}  // namespace

absl::StatusOr<ConvertedModel> ConvertModel(const std::string& from, const std::string& to,
                                            const ConvertOptions& options) {
  return CatchErrors(from, [&] { return Convert(from, to, options); });
}

}  // namespace graft
