// The names of the ways to pool, in files and options.
#ifndef GRAFT_TASKS_POOLING_NAME_H_
#define GRAFT_TASKS_POOLING_NAME_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "models/kernels/pooling.h"

namespace graft {

// "cls", "mean", "max", "last".
std::string_view PoolingName(Pooling pooling);
// InvalidArgument for every other name.
absl::StatusOr<Pooling> ParsePooling(std::string_view name);

}  // namespace graft

#endif  // GRAFT_TASKS_POOLING_NAME_H_
