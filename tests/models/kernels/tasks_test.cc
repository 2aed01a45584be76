#include "models/kernels/tasks.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

TEST(ForTasksTest, EveryTaskRunsOnceOnLibTorchsNumberOfThreads) {
  WithThreads([] {
    std::vector<std::atomic<int>> runs(100);
    ForTasks(100, 0, [&](int64_t task, float*) { ++runs[static_cast<size_t>(task)]; });
    for (const std::atomic<int>& run : runs) ASSERT_EQ(run, 1);
  });
}

TEST(ParallelForTest, ThePartsCoverTheWhole) {
  WithThreads([] {
    for (int64_t count : {0, 1, 7, 64, 1001}) {
      for (int64_t grain : {1, 10, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
        ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
          if (end - begin < std::min(count, grain)) ADD_FAILURE() << begin << " to " << end;
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        for (const std::atomic<int>& times : seen) ASSERT_EQ(times, 1);
      }
    }
  });
}

}  // namespace
}  // namespace graft
