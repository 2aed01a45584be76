// What the verbs that compute have in common.
#ifndef GRAFT_TOOLS_COMPUTE_H_
#define GRAFT_TOOLS_COMPUTE_H_

#include <string>

#include "absl/status/status.h"

namespace graft::tools {

// Sets the threads (0 = one per core) and checks that the device is there.
absl::Status PrepareCompute(const std::string& device, int threads);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_COMPUTE_H_
