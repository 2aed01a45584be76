// What computes embeddings, told by contents: so that vectors of two origins are never compared.
#ifndef GRAFT_TASKS_MODEL_FINGERPRINT_H_
#define GRAFT_TASKS_MODEL_FINGERPRINT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

struct ModelFingerprint {
  std::map<std::string, std::string> files;    // hash (base/hash.h) by path within the folder
  std::map<std::string, std::string> options;  // value by name: "layer" -> "3"

  // One hash over all.
  std::string Hash() const;
};

// Hashes files. Paths that lie in `folder` are named by what follows it.
absl::StatusOr<std::map<std::string, std::string>> HashFiles(const std::string& folder,
                                                             const std::vector<std::string>& paths);

// What differs, for a message: "model.safetensors, layer (expected 3, found 2)"; empty when nothing
// does.
std::string Differences(const ModelFingerprint& expected, const ModelFingerprint& found);

}  // namespace graft

#endif  // GRAFT_TASKS_MODEL_FINGERPRINT_H_
