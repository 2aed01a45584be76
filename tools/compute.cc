#include "tools/compute.h"

#include "tasks/text_classifier.h"

namespace graft::tools {

absl::Status PrepareCompute(const std::string& device, int threads) {
  if (device == "cuda") {
    return absl::FailedPreconditionError(
        "--device cuda: this build of graft has no CUDA kernels; --device cpu works");
  }
  SetThreads(threads);
  return absl::OkStatus();
}

}  // namespace graft::tools
