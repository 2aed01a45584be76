// Threads that help with one loop at a time.
#ifndef GRAFT_BASE_THREAD_POOL_H_
#define GRAFT_BASE_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace graft {

// Thread-safe.
class ThreadPool {
 public:
  // The pool of the process. It lives until the process ends, as its threads do.
  static ThreadPool& Get();

  // Runs `work` on the calling thread and, when they come in time, on up to `helpers` others at
  // once; returns when all that began have ended. `work` must do all there is to do wherever it
  // runs alone, and not throw. While another call is under way the calling thread works alone.
  // Where the system starts no more threads, those that there are help.
  void Run(int64_t helpers, const std::function<void()>& work);

 private:
  ThreadPool() = default;
  void StartThreads(int64_t wanted);
  void Help(int64_t number);
  void WaitForHelpers();

  std::atomic<bool> in_use_ = false;
  std::vector<std::thread> threads_;
  // One round: its number, whether more may join, and how many work on it now; see the .cc file.
  std::atomic<uint32_t> state_ = 0;
  std::atomic<int64_t> wanted_ = 0;
  std::atomic<int> asleep_ = 0;
  const std::function<void()>* work_ = nullptr;
};

}  // namespace graft

#endif  // GRAFT_BASE_THREAD_POOL_H_
