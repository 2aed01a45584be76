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

// ForTasks of base/for_tasks.h on up to at::get_num_threads() threads.
void ForTasks(int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body);

// Calls body(begin, end) for parts of [0, count), each of at least `grain` (but for the last).
void ParallelFor(int64_t count, int64_t grain,
                 const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_TASKS_H_
