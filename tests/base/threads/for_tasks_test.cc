#include "base/for_tasks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace graft {
namespace {

// Runs the body with 1, 2 and 16 threads.
template <typename Body>
void WithThreads(const Body& body) {
  for (int64_t threads : {1, 2, 16}) {
    SCOPED_TRACE(threads);
    body(threads);
  }
}

// Whether `threads` threads work on a loop of so many tasks at once. Without enough help the first
// ones wait in vain, but not for ever.
bool Meet(int threads) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::atomic<int> here = 0, met = 0;
  ForTasks(threads, threads, 0, [&](int64_t, float*) {
    ++here;
    while (here < threads && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    // Who came after the deadline finds all here but met nobody.
    met += std::chrono::steady_clock::now() < deadline;
  });
  return met == threads;
}

TEST(ForTasksTest, EveryTaskRunsOnce) {
  WithThreads([](int64_t threads) {
    for (int64_t count : {0, 1, 2, 3, 100, 5000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
      ForTasks(threads, count, 0, [&](int64_t task, float* scratch) {
        EXPECT_EQ(scratch, nullptr);
        ++runs[static_cast<size_t>(task)];
      });
      for (const std::atomic<int>& run : runs) ASSERT_EQ(run, 1);
    }
  });
}

TEST(ForTasksTest, ScratchIsAlignedAndOfOneThread) {
  WithThreads([](int64_t threads) {
    std::atomic<int64_t> wrong = 0;
    for (int64_t floats : {1, 1000, 17}) {
      ForTasks(threads, 200, floats, [&](int64_t task, float* scratch) {
        if (reinterpret_cast<uintptr_t>(scratch) % 64 != 0) ++wrong;
        for (int64_t i = 0; i < floats; ++i) scratch[i] = static_cast<float>(task);
        for (int64_t i = 0; i < floats; ++i) wrong += scratch[i] != static_cast<float>(task);
      });
    }
    EXPECT_EQ(wrong, 0);
  });
}

TEST(ForTasksTest, ScratchOfATaskOutlivesLoopsWithinIt) {
  WithThreads([](int64_t threads) {
    std::atomic<int64_t> wrong = 0;
    ForTasks(threads, 8, 100, [&](int64_t task, float* outer) {
      std::fill_n(outer, 100, static_cast<float>(task));
      // The second is larger than any before: the memory of its level grows.
      for (const int64_t floats : {int64_t{100}, 1000 * (task + 1)}) {
        ForTasks(threads, 3, floats, [&](int64_t inner, float* scratch) {
          std::fill_n(scratch, floats, static_cast<float>(-1 - inner));
          ForTasks(threads, 1, 50,
                   [&](int64_t, float* innermost) { std::fill_n(innermost, 50, -9.0f); });
          wrong += std::count(scratch, scratch + floats, static_cast<float>(-1 - inner)) != floats;
        });
      }
      wrong += std::count(outer, outer + 100, static_cast<float>(task)) != 100;
    });
    EXPECT_EQ(wrong, 0);
  });
}

TEST(ForTasksTest, ScratchBeyondAllMemoryIsABadAllocAndTheNextCallWorks) {
  WithThreads([](int64_t threads) {
    EXPECT_THROW(ForTasks(threads, 4, int64_t{1} << 58, [](int64_t, float*) {}), std::bad_alloc);
    std::atomic<int64_t> wrong = 0;
    ForTasks(threads, 4, 100, [&](int64_t task, float* scratch) {
      std::fill_n(scratch, 100, static_cast<float>(task));
      wrong += std::count(scratch, scratch + 100, static_cast<float>(task)) != 100;
    });
    EXPECT_EQ(wrong, 0);
  });
}

TEST(ForTasksTest, OtherThreadsHelp) { EXPECT_TRUE(Meet(2)); }

TEST(ForTasksTest, AnExceptionReachesTheCallerAndTheNextCallWorks) {
  WithThreads([](int64_t threads) {
    EXPECT_THROW(ForTasks(threads, 50, 0,
                          [](int64_t task, float*) {
                            if (task == 20) throw std::runtime_error("task 20");
                          }),
                 std::runtime_error);
    std::atomic<int> runs = 0;
    ForTasks(threads, 50, 0, [&](int64_t, float*) { ++runs; });
    EXPECT_EQ(runs, 50);
  });
}

TEST(ForTasksTest, CallsWithinTasksAndBesideEachOtherWork) {
  WithThreads([](int64_t threads) {
    std::atomic<int64_t> sum = 0;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          ForTasks(threads, 5, 0, [&](int64_t, float*) {
            ForTasks(threads, 3, 0, [&](int64_t inner, float*) { sum += inner + 1; });
          });
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(sum, int64_t{4} * 200 * 5 * 6);
  });
}

TEST(ForTasksTest, HelpersWakeUpAgain) {
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(Meet(3)) << "round " << round;
    // Much longer than a helper waits without sleeping.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The sanitizers map terabytes and end the program when they cannot map more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRAFT_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GRAFT_UNDER_SANITIZER 1
#endif
#endif

#ifndef GRAFT_UNDER_SANITIZER
// A limit on address space, under which threads find no room for their stacks. Takes effect for as
// long as it lives.
class NoRoomForStacks {
 public:
  NoRoomForStacks() {
    getrlimit(RLIMIT_AS, &before_);
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    constexpr rlim_t kMore = rlim_t{4} << 20;
    const rlimit tight = {static_cast<rlim_t>(pages) * static_cast<rlim_t>(getpagesize()) + kMore,
                          before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  }
  ~NoRoomForStacks() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_ = {};
};

TEST(ForTasksTest, WithoutNewThreadsThoseThatThereAreHelp) {
  ASSERT_TRUE(Meet(3));
  // More than any test before has started.
  constexpr int kMany = 100;
  {
    const NoRoomForStacks limit;
    std::atomic<int> runs = 0;
    ForTasks(kMany, kMany, 0, [&](int64_t, float*) { ++runs; });
    EXPECT_EQ(runs, kMany);
    const std::filesystem::directory_iterator threads("/proc/self/task");
    EXPECT_LT(std::distance(begin(threads), end(threads)), kMany) << "some could not be started";
  }
  EXPECT_TRUE(Meet(3)) << "the pool can be used again";
}
#endif

}  // namespace
}  // namespace graft
