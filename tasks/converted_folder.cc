#include "tasks/converted_folder.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/utf8.h"
#include "models/weights/weight_files.h"
#include "tasks/graft_json.h"
#include "tasks/weight_sets.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

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

// "model-00001-of-00003.safetensors"
bool IsShardName(std::string_view name) {
  constexpr size_t kDigits = 5;
  const auto number = [&] {
    const std::string_view digits = name.substr(0, kDigits);
    name.remove_prefix(digits.size());
    return digits.size() == kDigits && absl::c_all_of(digits, [](char c) {
             return absl::ascii_isdigit(static_cast<unsigned char>(c));
           });
  };
  return absl::ConsumePrefix(&name, "model-") && number() && absl::ConsumePrefix(&name, "-of-") &&
         number() && name == ".safetensors";
}

// Of a model, a module of it or a set of word vectors.
bool IsWrittenName(std::string_view name) {
  constexpr std::string_view kWritten[] = {"config.json",         "model.safetensors",
                                           "words.txt",           "model.safetensors.index.json",
                                           "vectors.safetensors", "words.index"};
  return absl::c_linear_search(kWritten, name) || IsShardName(name) || IsCarriedName(name);
}

// Adds what is in a folder and is no file that graft writes, nor one of these folders.
absl::Status AddStrangers(const std::string& path, const std::string& folder,
                          const std::set<std::string>& folders,
                          std::vector<std::string>& strangers) {
  const std::string own = folder.empty() ? path : JoinPath(path, folder);
  ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(own));
  for (const std::string& name : names) {
    std::error_code error;
    const auto type = std::filesystem::symlink_status(JoinPath(own, name), error).type();
    const bool file = type == std::filesystem::file_type::regular && IsWrittenName(name);
    const bool module =
        type == std::filesystem::file_type::directory && folder.empty() && folders.contains(name);
    if (!file && !module) strangers.push_back(folder.empty() ? name : JoinPath(folder, name));
  }
  return absl::OkStatus();
}

absl::Status NotReplaceable(const std::string& path, std::string_view found) {
  return absl::AlreadyExistsError(absl::StrCat(
      path, ": expected nothing but a model that graft wrote, to replace it, found ", found));
}

// Of a folder without strangers.
absl::Status CheckMark(const std::string& path, const std::vector<SentenceModule>& modules) {
  if (ReadGraftJson(JoinPath(path, "graft.json")).ok()) return absl::OkStatus();
  const auto sets = OpenWeightSets(path, modules, Links::kOnlyOfHubCache);
  if (!sets.ok()) return NotReplaceable(path, sets.status().message());
  for (const WeightSet& set : *sets) {
    if (set.files.written_by_graft()) continue;
    return NotReplaceable(path, absl::StrCat(set.files.path(), ", which graft did not write"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsCarriedName(std::string_view name) {
  return absl::c_linear_search(kCarried, name) || absl::EndsWith(name, ".model");
}

absl::StatusOr<std::vector<std::string>> ListNames(const std::string& folder) {
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

absl::Status CheckApart(const std::string& from, const std::vector<SentenceModule>& modules,
                        const std::string& to) {
  std::set<std::string> folders = {from};
  for (const SentenceModule& module : modules) folders.insert(JoinPath(from, module.path));
  for (const std::string& folder : folders) {
    std::error_code error;
    std::filesystem::path path = std::filesystem::canonical(folder, error);
    if (error) continue;  // a module without a folder
    while (true) {
      if (std::filesystem::equivalent(path, to, error)) {
        return absl::InvalidArgumentError(absl::StrCat(
            to, ": expected another folder than that of the model, and none around it, found ",
            folder, path == std::filesystem::canonical(folder, error) ? "" : " in it"));
      }
      if (!path.has_relative_path()) break;
      path = path.parent_path();
    }
  }
  return absl::OkStatus();
}

absl::Status CheckReplaceable(const std::string& path) {
  if (!IsFolder(path)) return absl::OkStatus();  // files are refused by who writes there
  ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(path));
  if (names.empty()) return absl::OkStatus();
  const auto modules = FindSentenceModules(path, Links::kOnlyOfHubCache);
  if (!modules.ok()) return NotReplaceable(path, modules.status().message());
  std::set<std::string> folders;
  for (const SentenceModule& module : *modules) {
    if (!module.path.empty() && PathExists(JoinPath(path, module.path)))
      folders.insert(module.path);
  }
  for (size_t set = 0; IsFolder(JoinPath(path, WordSetFolder(set))); ++set) {
    folders.insert(WordSetFolder(set));
  }
  std::vector<std::string> strangers;
  ABSL_RETURN_IF_ERROR(AddStrangers(path, "", folders, strangers));
  for (const std::string& folder : folders) {
    ABSL_RETURN_IF_ERROR(AddStrangers(path, folder, folders, strangers));
  }
  if (strangers.empty()) return CheckMark(path, *modules);
  constexpr size_t kShown = 5;
  const size_t shown = std::min(strangers.size(), kShown);
  std::vector<std::string> quoted;
  for (size_t i = 0; i < shown; ++i) quoted.push_back(Quoted(strangers[i]));
  const size_t more = strangers.size() - shown;
  return NotReplaceable(path, absl::StrCat(absl::StrJoin(quoted, ", "),
                                           more > 0 ? absl::StrCat(" and ", more, " more") : ""));
}

}  // namespace graft
