#include "models/kernels/tasks.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>

#include "models/kernels/thread_pool.h"

namespace graft {
namespace {

// Memory of a thread that lives as long as it and only grows.
float* ThreadScratch(int64_t floats) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<void, Free> memory;
  thread_local int64_t size = 0;
  if (size < floats) {
    constexpr size_t kAlignment = 64;
    const size_t bytes =
        (static_cast<size_t>(floats) * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    memory.reset();
    memory.reset(std::aligned_alloc(kAlignment, bytes));
    size = memory ? floats : 0;
    TORCH_CHECK(memory != nullptr, "no memory for the scratch of a kernel: ", bytes, " bytes");
  }
  return static_cast<float*>(memory.get());
}

// The first exception that a thread met.
class FirstError {
 public:
  void Keep() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
  void Throw() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void ForTasks(int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body) {
  std::atomic<int64_t> next = 0;
  FirstError error;
  const auto work = [&] {
    try {
      float* memory = nullptr;
      for (int64_t i = next++; i < count; i = next++) {
        if (memory == nullptr && scratch > 0) memory = ThreadScratch(scratch);
        body(i, memory);
      }
    } catch (...) {
      error.Keep();
      next = count;
    }
  };
  ThreadPool::Get().Run(std::min<int64_t>(count, at::get_num_threads()) - 1, work);
  error.Throw();
}

void ParallelFor(int64_t count, int64_t grain,
                 const std::function<void(int64_t begin, int64_t end)>& body) {
  // More parts than threads: one that comes late or is slow leaves its share to the others.
  constexpr int64_t kPartsPerThread = 4;
  const int64_t most = kPartsPerThread * at::get_num_threads();
  const int64_t parts = std::clamp<int64_t>(count / std::max<int64_t>(1, grain), 1, most);
  if (count <= 0) return;
  if (parts == 1) return body(0, count);
  ForTasks(parts, 0,
           [&](int64_t part, float*) { body(part * count / parts, (part + 1) * count / parts); });
}

}  // namespace graft
