// The names are those that transformers gives when it reads such a checkpoint
// (load_tf_weights_in_bert, up to its version 4): a name's parts become those of the module.
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "models/weights/tensorflow_checkpoint.h"

namespace graft {
namespace {

// Parts of the names of what optimizers and training loops keep: BERT's own Adam, LAMB, those of
// tf.train, and loss scales of mixed precision.
constexpr std::string_view kTraining[] = {"global_step",
                                          "adam_m",
                                          "adam_v",
                                          "AdamWeightDecayOptimizer",
                                          "AdamWeightDecayOptimizer_1",
                                          "lamb_m",
                                          "lamb_v",
                                          "LAMBOptimizer",
                                          "LAMBOptimizer_1",
                                          "Adam",
                                          "Adam_1",
                                          "beta1_power",
                                          "beta2_power",
                                          "Momentum",
                                          "loss_scale",
                                          "current_loss_scale",
                                          "good_steps"};

bool OnlyForTraining(const std::vector<std::string_view>& parts) {
  return std::find_first_of(parts.begin(), parts.end(), std::begin(kTraining),
                            std::end(kTraining)) != parts.end();
}

// The place of the '_' in "layer_11"; nullopt when the part is not letters, '_' and digits.
std::optional<size_t> FindNumber(std::string_view part) {
  const size_t letters = static_cast<size_t>(
      std::find_if_not(part.begin(), part.end(), absl::ascii_isalpha) - part.begin());
  if (letters == 0 || letters + 1 >= part.size() || part[letters] != '_') return std::nullopt;
  if (!std::all_of(part.begin() + static_cast<ptrdiff_t>(letters) + 1, part.end(),
                   absl::ascii_isdigit)) {
    return std::nullopt;
  }
  return letters;
}

std::string_view TranslatePart(std::string_view part) {
  if (part == "kernel" || part == "gamma" || part == "output_weights") return "weight";
  if (part == "beta" || part == "output_bias") return "bias";
  if (part == "squad") return "classifier";
  return part;
}

std::string TranslateName(const std::vector<std::string_view>& parts) {
  std::vector<std::string> translated;
  // The head of run_classifier.py has no scope.
  if (parts.size() == 1 && (parts[0] == "output_weights" || parts[0] == "output_bias")) {
    translated.emplace_back("classifier");
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    // The head of run_squad.py stands where those of pretraining do; in PyTorch it does not.
    if (parts[i] == "cls" && i + 1 < parts.size() && parts[i + 1] == "squad") continue;
    if (const auto letters = FindNumber(parts[i])) {
      translated.emplace_back(TranslatePart(parts[i].substr(0, *letters)));
      translated.emplace_back(parts[i].substr(*letters + 1));
    } else {
      translated.emplace_back(TranslatePart(parts[i]));
    }
  }
  if (parts.back().ends_with("_embeddings")) translated.emplace_back("weight");
  return absl::StrJoin(translated, ".");
}

void Transpose(TensorInfo& tensor) {
  if (tensor.shape.size() < 2) return;
  // Strides of no elements say nothing.
  if (tensor.strides.empty() && tensor.elements() > 0) {
    tensor.strides.resize(tensor.shape.size());
    int64_t stride = 1;
    for (size_t i = tensor.shape.size(); i-- > 0;) {
      tensor.strides[i] = stride;
      stride *= tensor.shape[i];
    }
  }
  std::reverse(tensor.strides.begin(), tensor.strides.end());
  std::reverse(tensor.shape.begin(), tensor.shape.end());
}

}  // namespace

absl::Status TranslateBertNames(const std::string& path, WeightTable& table) {
  // By tensor; empty for those of training. The table changes when all are right.
  std::vector<std::string> names;
  absl::flat_hash_map<std::string_view, std::string_view> sources;
  names.reserve(table.tensors.size());  // so that views of them stay
  for (const TensorInfo& tensor : table.tensors) {
    const std::vector<std::string_view> parts = absl::StrSplit(tensor.name, '/');
    names.emplace_back();
    if (OnlyForTraining(parts)) continue;
    names.back() = TranslateName(parts);
    const auto [other, added] = sources.try_emplace(names.back(), tensor.name);
    if (!added) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": expected one tensor for ", Quoted(names.back(), 200), ", found ",
                       Quoted(other->second, 200), " and ", Quoted(tensor.name, 200)));
    }
  }
  std::vector<TensorInfo> kept;
  for (size_t i = 0; i < names.size(); ++i) {
    TensorInfo& tensor = table.tensors[i];
    if (names[i].empty()) {
      table.others.push_back(std::move(tensor.name));
      continue;
    }
    if (tensor.name == "kernel" || tensor.name.ends_with("/kernel")) Transpose(tensor);
    tensor.name = std::move(names[i]);
    kept.push_back(std::move(tensor));
  }
  table.tensors = std::move(kept);
  return absl::OkStatus();
}

}  // namespace graft
