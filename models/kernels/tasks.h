// Work that is handed to threads piece by piece.
//
// LibTorch's own pool (OpenMP) waits for all its threads at the end of every region, and they wait
// by spinning: where another process holds one of the processors, an operation takes many times as
// long. Here the calling thread never waits for one that has not begun.
#ifndef GRAFT_MODELS_KERNELS_TASKS_H_
#define GRAFT_MODELS_KERNELS_TASKS_H_

#include <cstdint>
#include <functional>

namespace graft {

// Calls body(task, scratch) for every task < count on up to at::get_num_threads() threads, the next
// one on the first that is free. `scratch` holds so many floats, 64-byte aligned, and belongs to
// the task; nullptr for none. Tasks must not see each other's results: which thread gets which is
// left to chance. An exception of a task, or std::bad_alloc where there is no memory for the
// scratch, is thrown to the caller, after the others. Thread-safe; a call within a task or beside
// another call runs on the calling thread alone.
void ForTasks(int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body);

// Calls body(begin, end) for parts of [0, count), each of at least `grain` (but for the last).
void ParallelFor(int64_t count, int64_t grain,
                 const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_TASKS_H_
