// AdamW over the tensors that train, with clipping and a schedule.
#ifndef GRAFT_TASKS_ADAMW_H_
#define GRAFT_TASKS_ADAMW_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

// The learning rate of a step (from 0) as a factor: rises from 0 over the first ceil(warmup *
// steps) steps, then falls to 0 at `steps`, linearly (transformers'
// get_linear_schedule_with_warmup).
double LinearSchedule(int64_t step, int64_t steps, double warmup);

// Moments for every tensor that trains and for no other. Not thread-safe.
//
// Where a gradient is sparse (a table of words), only the rows that were met change, their moments
// too, and without weight decay, which would pull at the rows of frequent words alone.
class AdamW {
 public:
  // `weight_decay` goes to tensors of two and more dimensions.
  AdamW(std::vector<at::Tensor> tensors, double weight_decay);

  // One update from the tensors' gradients, scaled so that their norm is at most `clip` (0 = no
  // clipping); clears them. Returns the norm before scaling. Internal, and no update, when
  // the norm is no finite number.
  absl::StatusOr<double> Step(double learning_rate, double clip);

  // How many tensors it holds moments for.
  size_t tensors() const { return slots_.size(); }

 private:
  struct Slot {
    at::Tensor parameter, first_moment, second_moment;
    double weight_decay;
  };
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

}  // namespace graft

#endif  // GRAFT_TASKS_ADAMW_H_
