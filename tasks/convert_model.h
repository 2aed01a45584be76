// Model folders of any format as clean ones.
#ifndef GRAFT_TASKS_CONVERT_MODEL_H_
#define GRAFT_TASKS_CONVERT_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/weights/dtype.h"
#include "models/weights/weight_files.h"

namespace graft {

struct ConvertOptions {
  std::optional<DType> dtype;                // see WeightConversion
  uint64_t max_shard_bytes = 2'000'000'000;  // of tensors in a file
  bool replace = false;                      // a folder that graft converted is replaced
};

struct ConvertedModel {
  WeightFormat format = WeightFormat::kSafetensors;  // of the source
  size_t tensors = 0;
  uint64_t bytes = 0;                 // of the tensors written
  size_t renamed = 0;                 // tensors with today's names in place of old ones
  std::vector<std::string> files;     // written, by name in the new folder
  std::vector<std::string> left_out;  // files and folders of the source that were not taken over
  std::vector<std::string> others;    // entries of the weight files that are no tensors
  // Why the configuration was not compared with the weights; empty where it was.
  std::string config_not_checked;
};

// Writes the model of the folder `from` to a new folder, all or nothing (base/durable.h): its
// weights as safetensors in the order in which graft maps them, config.json (made of
// bert_config.json where there is no other; torch_dtype follows the new type), the files of its
// tokenizer, and for sentence-transformers folders their modules with weights. Nothing else is
// taken over, programs and their names least of all. Every file is one of the folder: no links but
// those of Hugging Face's cache are followed (OpenShard). The model need not be one that graft
// computes; where it is, errors of its configuration are those of ReadArchitecture, and
// InvalidArgument when a tensor has another shape than it says. AlreadyExists when something is
// there that is no empty folder, or, with `replace`, that is not what a conversion wrote
// (CheckReplaceable); InvalidArgument when `from` or a folder of its modules is `to` or lies in it.
absl::StatusOr<ConvertedModel> ConvertModel(const std::string& from, const std::string& to,
                                            const ConvertOptions& options);

}  // namespace graft

#endif  // GRAFT_TASKS_CONVERT_MODEL_H_
