#include "base/for_tasks.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "base/thread_pool.h"

namespace graft {
namespace {

// Aligned memory that only grows; what it holds is lost then.
class Memory {
 public:
  // Throws std::bad_alloc.
  float* OfFloats(int64_t floats) {
    if (size_ < floats) {
      constexpr size_t kAlignment = 64;
      const size_t bytes =
          (static_cast<size_t>(floats) * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
      size_ = 0;
      memory_.reset();
      memory_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
      if (memory_ == nullptr) throw std::bad_alloc();
      size_ = floats;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> memory_;
  int64_t size_ = 0;
};

// The scratch of the calling thread from construction to destruction. Each level of calls within
// tasks has memory of its own, which lives as long as the thread.
class ThreadScratch {
 public:
  ThreadScratch() : level_(depth_++) {}
  ~ThreadScratch() { --depth_; }
  ThreadScratch(const ThreadScratch&) = delete;
  ThreadScratch& operator=(const ThreadScratch&) = delete;

  // nullptr for none. Throws std::bad_alloc.
  float* OfFloats(int64_t floats) const {
    if (floats <= 0) return nullptr;
    if (memory_.size() <= level_) memory_.resize(level_ + 1);
    return memory_[level_].OfFloats(floats);
  }

 private:
  static thread_local std::vector<Memory> memory_;
  static thread_local size_t depth_;
  const size_t level_;
};

thread_local std::vector<Memory> ThreadScratch::memory_;
thread_local size_t ThreadScratch::depth_ = 0;

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

void ForTasks(int64_t threads, int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body) {
  std::atomic<int64_t> next = 0;
  FirstError error;
  const auto work = [&] {
    try {
      int64_t i = next++;
      if (i >= count) return;
      const ThreadScratch own;
      float* const memory = own.OfFloats(scratch);
      for (; i < count; i = next++) body(i, memory);
    } catch (...) {
      error.Keep();
      next = count;
    }
  };
  ThreadPool::Get().Run(std::min(count, threads) - 1, work);
  error.Throw();
}

}  // namespace graft
