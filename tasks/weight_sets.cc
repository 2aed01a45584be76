#include "tasks/weight_sets.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "models/weights/shard_index.h"
#include "tasks/word_model_folder.h"

namespace graft {
namespace {

constexpr char kModules[] = "modules.json";

absl::StatusOr<WeightFiles> OpenModule(const std::string& model, const std::string& folder,
                                       Links links) {
  if (folder.empty()) return WeightFiles::OpenFolder(model, links);
  const std::string path = JoinPath(model, folder);
  std::error_code error;
  if (links != Links::kAll && std::filesystem::is_symlink(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a folder of the model, found a link"));
  }
  return WeightFiles::OpenFolder(path, links);
}

}  // namespace

absl::StatusOr<std::vector<SentenceModule>> FindSentenceModules(const std::string& model,
                                                                Links links) {
  const std::string path = JoinPath(model, kModules);
  if (!PathExists(path)) return std::vector<SentenceModule>();
  if (links != Links::kAll) ABSL_RETURN_IF_ERROR(OpenShard(model, kModules).status());
  return ReadSentenceModules(path);
}

absl::StatusOr<std::vector<WeightSet>> OpenWeightSets(const std::string& model,
                                                      const std::vector<SentenceModule>& modules,
                                                      Links links) {
  std::vector<std::string> folders;  // the Transformer's first
  for (const SentenceModule& module : modules) {
    if (!absl::c_linear_search(folders, module.path)) folders.push_back(module.path);
  }
  if (folders.empty()) folders.emplace_back();
  std::vector<WeightSet> sets;
  for (const std::string& folder : folders) {
    absl::StatusOr<WeightFiles> files = OpenModule(model, folder, links);
    if (!sets.empty() && absl::IsNotFound(files.status())) continue;
    ABSL_RETURN_IF_ERROR(files.status());
    ABSL_RETURN_IF_ERROR(files->CheckSharing());
    const std::string prefix = sets.empty() ? "" : absl::StrCat(folder.empty() ? "." : folder, "/");
    sets.push_back({folder, prefix, *std::move(files)});
  }
  for (size_t set = 0;; ++set) {
    const std::string folder = WordSetFolder(set);
    const std::string path = JoinPath(JoinPath(model, folder), "vectors.safetensors");
    if (!PathExists(path)) return sets;
    ABSL_ASSIGN_OR_RETURN(WeightFiles files, WeightFiles::Open(path, links));
    sets.push_back({folder, absl::StrCat(folder, "/"), std::move(files)});
  }
}

std::vector<NamedWeight> AllWeights(const std::vector<WeightSet>& sets) {
  std::vector<NamedWeight> all;
  for (const WeightSet& set : sets) {
    for (const TensorInfo& tensor : set.files.tensors()) {
      all.push_back({absl::StrCat(set.prefix, tensor.name), &set.files, &tensor});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const NamedWeight& a, const NamedWeight& b) { return a.name < b.name; });
  return all;
}

}  // namespace graft
