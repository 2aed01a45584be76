#include "models/kernels/tasks.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "base/for_tasks.h"

namespace graft {

void ForTasks(int64_t count, int64_t scratch,
              const std::function<void(int64_t task, float* scratch)>& body) {
  ForTasks(at::get_num_threads(), count, scratch, body);
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
