// How many threads compute, and whose turn it is.
#ifndef GRAFT_TASKS_THREADS_H_
#define GRAFT_TASKS_THREADS_H_

#include <mutex>

namespace graft {

// How many threads graft computes with, from now on and in the whole process; 0 = one per core. The
// library never changes it by itself.
void SetThreads(int threads);
int Threads();

// Held while a door of the library computes. The threads are one pool for the process, and help one
// computation at a time: of two at once the second would run on its own thread alone, and both
// would hold their activations. LibTorch keeps the number of threads per calling thread: the
// constructor sets the process's.
class ComputeTurn {
 public:
  ComputeTurn();

 private:
  std::lock_guard<std::mutex> lock_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_THREADS_H_
