// The configuration files of a sentence-transformers folder. What they say is honoured or refused
// by name; errors name file and key. All functions are thread-safe.
#ifndef GRAFT_TASKS_MODULE_CONFIGS_H_
#define GRAFT_TASKS_MODULE_CONFIGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/kernels/activation_kind.h"
#include "tasks/pooling_mode.h"

namespace graft {

// sentence_bert_config.json, or one of the older names with a family in it.
struct TransformerModule {
  std::string path;  // empty when there is no such file
  std::optional<int64_t> max_length;
  bool lower_case = false;
};
absl::StatusOr<TransformerModule> ReadTransformerModule(const std::string& folder);

// The config.json of a Pooling module over hidden states of `width` numbers; 0 takes any width.
// Files name the mode or modes (pooling_mode), older ones have a flag for each, whose order is that
// of sentence-transformers: cls, max, mean, ... .
struct PoolingModule {
  std::vector<PoolingMode> modes;  // at least one
  bool include_prompt = true;      // false: the tokens of the prompt are left out
};
absl::StatusOr<PoolingModule> ReadPoolingModule(const std::string& path, int64_t width);

// The config.json of a Dense module over vectors of `in` numbers.
struct DenseModule {
  int64_t in = 0;
  int64_t out = 0;
  bool bias = true;
  Activation activation = Activation::kTanh;
  bool residual = false;
};
absl::StatusOr<DenseModule> ReadDenseModule(const std::string& path, int64_t in);

// The config.json of a Normalize module, which need not be there.
absl::Status CheckNormalizeModule(const std::string& path);

// config_sentence_transformers.json.
struct SentenceSettings {
  std::map<std::string, std::string> prompts;  // by name
  std::optional<std::string> default_prompt;   // one of these names
  std::string similarity = "cosine";           // or dot, euclidean, manhattan
  std::optional<int64_t> dimensions;           // truncate_dim
};
absl::StatusOr<SentenceSettings> ReadSentenceSettings(const std::string& path);

}  // namespace graft

#endif  // GRAFT_TASKS_MODULE_CONFIGS_H_
