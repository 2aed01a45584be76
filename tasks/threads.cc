#include "tasks/threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace graft {
namespace {

std::atomic<int> wanted_threads{0};  // 0: SetThreads was not called, LibTorch's own default stands

void ApplyThreads() {
  const int wanted = wanted_threads;
  if (wanted > 0 && at::get_num_threads() != wanted) at::set_num_threads(wanted);
}

std::mutex& ComputeMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void SetThreads(int threads) {
  wanted_threads =
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  ApplyThreads();
}

int Threads() {
  const int wanted = wanted_threads;
  return wanted > 0 ? wanted : at::get_num_threads();
}

ComputeTurn::ComputeTurn() : lock_(ComputeMutex()) { ApplyThreads(); }

}  // namespace graft
