#include "models/kernels/tasks.h"

#include <atomic>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "models/kernels/thread_pool.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

TEST(ForTasksTest, EveryTaskRunsOnce) {
  WithThreads([] {
    for (int64_t count : {0, 1, 2, 3, 100, 5000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
      ForTasks(count, 0, [&](int64_t task, float* scratch) {
        EXPECT_EQ(scratch, nullptr);
        ++runs[static_cast<size_t>(task)];
      });
      for (const std::atomic<int>& run : runs) ASSERT_EQ(run, 1);
    }
  });
}

TEST(ForTasksTest, ScratchIsAlignedAndOfOneThread) {
  WithThreads([] {
    std::atomic<int64_t> wrong = 0;
    for (int64_t floats : {1, 1000, 17}) {
      ForTasks(200, floats, [&](int64_t task, float* scratch) {
        if (reinterpret_cast<uintptr_t>(scratch) % 64 != 0) ++wrong;
        for (int64_t i = 0; i < floats; ++i) scratch[i] = static_cast<float>(task);
        for (int64_t i = 0; i < floats; ++i) wrong += scratch[i] != static_cast<float>(task);
      });
    }
    EXPECT_EQ(wrong, 0);
  });
}

TEST(ForTasksTest, OtherThreadsHelp) {
  at::set_num_threads(2);
  // The first task waits for the second: without help it would wait for ever.
  std::atomic<bool> second = false;
  ForTasks(2, 0, [&](int64_t task, float*) {
    if (task == 1) second = true;
    while (!second) std::this_thread::yield();
  });
  EXPECT_TRUE(second);
}

TEST(ForTasksTest, AnExceptionReachesTheCallerAndTheNextCallWorks) {
  WithThreads([] {
    EXPECT_THROW(ForTasks(50, 0,
                          [](int64_t task, float*) {
                            if (task == 20) throw std::runtime_error("task 20");
                          }),
                 std::runtime_error);
    std::atomic<int> runs = 0;
    ForTasks(50, 0, [&](int64_t, float*) { ++runs; });
    EXPECT_EQ(runs, 50);
  });
}

TEST(ForTasksTest, CallsWithinTasksAndBesideEachOtherWork) {
  WithThreads([] {
    std::atomic<int64_t> sum = 0;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          ForTasks(5, 0, [&](int64_t, float*) {
            ForTasks(3, 0, [&](int64_t inner, float*) { sum += inner + 1; });
          });
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(sum, int64_t{4} * 200 * 5 * 6);
  });
}

TEST(ForTasksTest, HelpersWakeUpAgain) {
  at::set_num_threads(4);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> runs = 0;
    ForTasks(40, 0, [&](int64_t, float*) { ++runs; });
    ASSERT_EQ(runs, 40);
    std::this_thread::sleep_for(std::chrono::microseconds(round * 20));
  }
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
