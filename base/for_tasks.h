// Work that is handed to threads piece by piece.
#ifndef GRAFT_BASE_FOR_TASKS_H_
#define GRAFT_BASE_FOR_TASKS_H_

#include <cstdint>
#include <functional>

namespace graft {

// Calls body(task, scratch) for every task < count on up to `threads` threads (the calling one and
// those of ThreadPool), the next one on the first that is free. `scratch` holds so many floats,
// 64-byte aligned, and belongs to the task; nullptr for none. Tasks must not see each other's
// results: which thread gets which is left to chance. An exception of a task, or std::bad_alloc
// where there is no memory for the scratch, is thrown to the caller, after the others. Thread-safe;
// a call within a task or beside another call runs on the calling thread alone.
void ForTasks(int64_t threads, int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body);

}  // namespace graft

#endif  // GRAFT_BASE_FOR_TASKS_H_
