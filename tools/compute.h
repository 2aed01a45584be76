// What the verbs that compute have in common.
#ifndef GRAFT_TOOLS_COMPUTE_H_
#define GRAFT_TOOLS_COMPUTE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft::tools {

// How many threads the option --threads means. 0: the first number of OMP_NUM_THREADS, as all
// programs over OpenMP take it, where that is not set one per core. InvalidArgument when it is no
// number.
absl::StatusOr<int> ChooseThreads(int threads);

// Sets the threads, chosen as above, checks that the device is there and has LibTorch's warnings
// printed as lines.
absl::Status PrepareCompute(const std::string& device, int threads);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_COMPUTE_H_
