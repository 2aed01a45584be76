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
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "models/backbone.h"
#include "models/catch_errors.h"
#include "models/checkpoint.h"
#include "models/weights/convert_weights.h"
#include "models/weights/shard_index.h"
#include "nlohmann/json.hpp"
#include "tasks/converted_folder.h"
#include "tasks/model_folder.h"
#include "tasks/weight_sets.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kMaxFileBytes = 256'000'000;  // of what is taken over as it is
constexpr uint64_t kMaxJsonBytes = 16'000'000;   // of settings that may name programs
constexpr std::string_view kConfig = "config.json", kBertConfig = "bert_config.json";
constexpr Links kLinks = Links::kOnlyOfHubCache;

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

// A file that is no link but one of Hugging Face's cache: what others point to is none of the
// model's.
absl::StatusOr<std::string> ReadOwn(const std::string& folder, const std::string& name,
                                    uint64_t max_bytes) {
  ABSL_ASSIGN_OR_RETURN(const InputFile file, OpenShard(folder, name));
  return ReadFile(file, max_bytes);
}

// JSON to be written again: its depth and its keys are checked first.
absl::StatusOr<ordered_json> ParseSettings(const std::string& text, const std::string& path) {
  {
    ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
    if (!document.root().is_object()) return document.root().AsObject().status();
  }
  return ordered_json::parse(text);
}

// Removes what names programs of the folder, at any depth; true when there was some.
bool RemovePrograms(ordered_json& json) {
  bool found = false;
  if (json.is_object()) {
    for (const char* key : {"auto_map", "custom_pipelines"}) found |= json.erase(key) > 0;
  }
  if (!json.is_structured()) return found;
  for (ordered_json& item : json) found |= RemovePrograms(item);
  return found;
}

// The configuration of a model or a module, for today's readers.
absl::StatusOr<std::string> ConvertConfig(const std::string& text, const std::string& path,
                                          const WeightFiles& weights, std::optional<DType> dtype) {
  ABSL_ASSIGN_OR_RETURN(ordered_json config, ParseSettings(text, path));
  if (absl::EndsWith(path, kBertConfig)) {
    if (!config.contains("model_type")) config["model_type"] = "bert";
    if (!config.contains("architectures")) config["architectures"] = {ArchitectureOf(weights)};
  }
  RemovePrograms(config);
  if (dtype) {
    const bool newer = config.contains("dtype");
    config[newer ? "dtype" : "torch_dtype"] = TorchName(*dtype);
  }
  return config.dump(2) + "\n";
}

// The order in which graft maps the tensors; none for models that it does not compute, and then
// `not_checked` says why. Refused: a configuration that no library can read, or with which these
// weights make no model.
absl::StatusOr<std::vector<std::string>> OrderOf(const std::string& config_file,
                                                 const WeightFiles& weights,
                                                 std::string& not_checked) {
  if (!PathExists(config_file)) {
    not_checked = absl::StrCat(config_file, ": no such file");
    return std::vector<std::string>();
  }
  const auto read = ReadArchitecture(config_file);
  if (absl::IsUnimplemented(read.status())) {
    not_checked = std::string(read.status().message());
    return std::vector<std::string>();
  }
  ABSL_RETURN_IF_ERROR(read.status());
  const std::vector<SlotLayout> slots = BackboneSlots(*read->architecture);
  const std::string_view prefix = PrefixIn(weights, *read->family);
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
  // `to` is a new folder, which becomes `target`.
  Conversion(const std::string& from, const ConvertOptions& options, std::string to,
             std::string target)
      : from_(from), to_(std::move(to)), target_(std::move(target)), options_(options) {}

  absl::StatusOr<ConvertedModel> Run(const std::vector<SentenceModule>& modules) {
    ABSL_ASSIGN_OR_RETURN(sets_, OpenWeightSets(from_, modules, kLinks));
    result_.format = sets_[0].files.format();
    folders_.insert("");
    for (const SentenceModule& module : modules) folders_.insert(module.path);
    for (const std::string& folder : folders_) ABSL_RETURN_IF_ERROR(ConvertFolder(folder));
    return std::move(result_);
  }

 private:
  static std::string Join(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : JoinPath(folder, name);
  }
  std::string Source(const std::string& folder) const {
    return folder.empty() ? from_ : JoinPath(from_, folder);
  }

  absl::Status ConvertFolder(const std::string& folder) {
    const std::string from = Source(folder);
    // A module without files of its own (Normalize) need not have a folder.
    if (!PathExists(from)) return absl::OkStatus();
    const std::string to = folder.empty() ? to_ : JoinPath(to_, folder);
    if (!folder.empty() && ::mkdir(to.c_str(), 0777) != 0) {
      return ErrnoStatus(errno, to, "create the folder");
    }
    std::set<std::string> known = {std::string(kBertConfig)};
    const auto set = absl::c_find_if(sets_, [&](const WeightSet& s) { return s.folder == folder; });
    if (set != sets_.end()) {
      ABSL_RETURN_IF_ERROR(ConvertWeights(*set, set == sets_.begin(), to));
      known.insert(std::string(kConfig));
      for (const std::string& path : set->files.paths()) {
        known.insert(path.substr(path.rfind('/') + 1));
      }
    }
    return CarryFiles(folder, known);
  }

  // The weights of a folder and the configuration that describes them.
  absl::Status ConvertWeights(const WeightSet& set, bool is_model, const std::string& to) {
    const std::string from = Source(set.folder), config = ConfigFile(from);
    const std::string name = config.substr(config.rfind('/') + 1);
    std::string text;
    if (PathExists(config)) {
      ABSL_ASSIGN_OR_RETURN(text, ReadOwn(from, name, kMaxConfigBytes));
      ABSL_ASSIGN_OR_RETURN(
          text, ConvertConfig(text, config, set.files, is_model ? options_.dtype : std::nullopt));
    }
    WeightConversion conversion{.dtype = options_.dtype,
                                .max_shard_bytes = options_.max_shard_bytes};
    if (is_model) {
      ABSL_ASSIGN_OR_RETURN(conversion.first,
                            OrderOf(config, set.files, result_.config_not_checked));
    }
    ABSL_ASSIGN_OR_RETURN(const ConvertedWeights written,
                          WriteConverted(set.files, conversion, to));
    for (const std::string& file : written.files) result_.files.push_back(Join(set.folder, file));
    for (const std::string& other : set.files.others()) {
      result_.others.push_back(Join(set.folder, other));
    }
    result_.tensors += written.tensors;
    result_.bytes += written.bytes;
    result_.renamed += written.renamed;
    return text.empty() ? absl::OkStatus() : Write(set.folder, std::string(kConfig), text);
  }

  // The tokenizer's files and settings; all else but what is `known` is listed.
  absl::Status CarryFiles(const std::string& folder, const std::set<std::string>& known) {
    const std::string from = Source(folder);
    ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(from));
    for (const std::string& name : names) {
      if (known.contains(name) || folders_.contains(Join(folder, name))) continue;
      const std::string path = JoinPath(from, name);
      if ((name == kConfig || IsCarriedName(name)) && IsFileOrLink(path)) {
        ABSL_RETURN_IF_ERROR(Carry(folder, name));
      } else if (!IsOwn(path)) {
        result_.left_out.push_back(Join(folder, name));
      }
    }
    return absl::OkStatus();
  }

  // Folders and pipes are not opened.
  static bool IsFileOrLink(const std::string& path) {
    std::error_code error;
    const auto type = std::filesystem::symlink_status(path, error).type();
    return type == std::filesystem::file_type::regular ||
           type == std::filesystem::file_type::symlink;
  }

  // The folder that is being written, and the one that it replaces: they may lie in the source.
  bool IsOwn(const std::string& path) const {
    std::error_code error;
    return std::filesystem::equivalent(path, to_, error) ||
           std::filesystem::equivalent(path, target_, error);
  }

  absl::Status Carry(const std::string& folder, const std::string& name) {
    const std::string from = Source(folder);
    // Of the settings only the tokenizer's can be large.
    const bool settings = absl::EndsWith(name, kConfig);
    ABSL_ASSIGN_OR_RETURN(std::string bytes,
                          ReadOwn(from, name, settings ? kMaxJsonBytes : kMaxFileBytes));
    if (settings) {
      ABSL_ASSIGN_OR_RETURN(ordered_json json, ParseSettings(bytes, JoinPath(from, name)));
      if (RemovePrograms(json)) bytes = json.dump(2) + "\n";
    }
    return Write(folder, name, bytes);
  }

  absl::Status Write(const std::string& folder, const std::string& name, std::string_view bytes) {
    result_.files.push_back(Join(folder, name));
    return WriteFileDurably(JoinPath(to_, result_.files.back()), bytes);
  }

  const std::string& from_;
  const std::string to_, target_;
  const ConvertOptions& options_;
  std::vector<WeightSet> sets_;    // the model's first
  std::set<std::string> folders_;  // relative; "" for the model folder itself
  ConvertedModel result_;
};

// Nobody asked for the temporary folder.
absl::Status NameTarget(const absl::Status& status, const DurableFolder& folder) {
  std::string_view target = folder.target();
  while (target.size() > 1 && absl::ConsumeSuffix(&target, "/")) {
  }
  return {status.code(), absl::StrReplaceAll(status.message(), {{folder.path(), target}})};
}

absl::StatusOr<ConvertedModel> Convert(const std::string& from, const std::string& to,
                                       const ConvertOptions& options) {
  ABSL_RETURN_IF_ERROR(ExpectFolder(from));
  if (IsWordModelFolder(from)) {
    return absl::InvalidArgumentError(absl::StrCat(
        from,
        ": expected an encoder, found a classifier over word vectors, which graft wrote and "
        "maps as it is"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<SentenceModule> modules,
                        FindSentenceModules(from, kLinks));
  ABSL_RETURN_IF_ERROR(CheckApart(from, modules, to));
  ABSL_RETURN_IF_ERROR(PutBackInterruptedReplacement(to));
  if (options.replace) ABSL_RETURN_IF_ERROR(CheckReplaceable(to));
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, DurableFolder::Create(to, options.replace));
  absl::StatusOr<ConvertedModel> result = Conversion(from, options, folder.path(), to).Run(modules);
  if (!result.ok()) return NameTarget(result.status(), folder);
  // Once more: what came into it in the meantime would go with it.
  if (options.replace) ABSL_RETURN_IF_ERROR(CheckReplaceable(to));
  ABSL_RETURN_IF_ERROR(folder.Commit());
  std::sort(result->files.begin(), result->files.end());
  return result;
}

}  // namespace

absl::StatusOr<ConvertedModel> ConvertModel(const std::string& from, const std::string& to,
                                            const ConvertOptions& options) {
  return CatchErrors(from, [&] { return Convert(from, to, options); });
}

}  // namespace graft
