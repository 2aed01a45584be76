// What the verbs that compute have in common.
#ifndef GRAFT_TOOLS_COMPUTE_H_
#define GRAFT_TOOLS_COMPUTE_H_

#include <string>

#include "absl/status/status.h"

namespace graft::tools {

// Sets the threads and checks that the device is there. 0 threads: the first number of
// OMP_NUM_THREADS, as all programs over OpenMP take it, where that is not set one per core.
// InvalidArgument when it is no number.
absl::Status PrepareCompute(const std::string& device, int threads);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_COMPUTE_H_
