#include "tools/compute.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tasks/text_classifier.h"
#include "tools/options.h"
#include "tools/torch_warnings.h"

namespace graft::tools {
namespace {

// 0 where the variable is not set. A list has a number for each level of nested parallelism.
absl::StatusOr<int> ThreadsOfEnvironment() {
  const char* const value = std::getenv("OMP_NUM_THREADS");
  const std::string_view text = value == nullptr ? "" : value;
  if (text.empty()) return 0;
  const absl::StatusOr<int64_t> threads =
      ParseInteger(text.substr(0, text.find(',')), 1, kMostThreads);
  if (threads.ok()) return static_cast<int>(*threads);
  return absl::InvalidArgumentError(absl::StrCat("OMP_NUM_THREADS: ", threads.status().message()));
}

}  // namespace

absl::StatusOr<int> ChooseThreads(int threads) {
  if (threads == 0) {
    ABSL_ASSIGN_OR_RETURN(threads, ThreadsOfEnvironment());
  }
  return threads > 0 ? threads
                     : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

absl::Status PrepareCompute(const std::string& device, int threads) {
  if (device == "cuda") {
    return absl::FailedPreconditionError(
        "--device cuda: this build of graft has no CUDA kernels; --device cpu works");
  }
  ABSL_ASSIGN_OR_RETURN(threads, ChooseThreads(threads));
  PrintTorchWarningsAsLines();
  SetThreads(threads);
  return absl::OkStatus();
}

}  // namespace graft::tools
