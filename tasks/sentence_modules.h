// The modules of a sentence-transformers folder (modules.json).
#ifndef GRAFT_TASKS_SENTENCE_MODULES_H_
#define GRAFT_TASKS_SENTENCE_MODULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/kernels/pooling.h"

namespace graft {

struct SentenceModule {
  std::string type;   // last part of the Python class name: "Pooling"
  std::string path;   // folder, relative; empty for the model folder itself
  bool used = false;  // graft computes it
};

// The modules in their order, the first a Transformer, all of types that graft knows: Transformer,
// Pooling, Dense, Normalize. `path` names the file.
absl::StatusOr<std::vector<SentenceModule>> ReadSentenceModules(const std::string& path);

// The one mode that the config.json of a Pooling module names.
absl::StatusOr<Pooling> ReadPoolingConfig(const std::string& path);

// Whether the config.json of a Dense module says what graft's head does: from `in` features to
// `out` with a bias and no activation.
absl::Status CheckDenseConfig(const std::string& path, int64_t in, int64_t out);

}  // namespace graft

#endif  // GRAFT_TASKS_SENTENCE_MODULES_H_
