// The layers of a head over loaded tensors.
#ifndef GRAFT_MODELS_HEAD_H_
#define GRAFT_MODELS_HEAD_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "models/head_layout.h"
#include "models/weights_layout.h"

namespace graft {

// The slots of a head: weight and bias of dense, norm and output, and the rest of its weight, as
// far as the layout has them. `outputs` is the number of logits.
std::vector<SlotLayout> HeadSlots(const HeadLayout& layout, int64_t hidden_size, int64_t outputs);

// Dropout of a vector a row at a place of the head: 0 before the dense layer, 1 before the output.
using HeadDropout = std::function<at::Tensor(const at::Tensor& x, double rate, int place)>;

// x [n, H], pooled or not, -> logits [n, outputs]. `tensors`: one a slot. `table` [outputs, width]
// is the output's weight of a tied head, and not read otherwise.
at::Tensor RunHead(const HeadLayout& layout, const std::vector<at::Tensor>& tensors, at::Tensor x,
                   const at::Tensor& table, const HeadDropout& dropout);

}  // namespace graft

#endif  // GRAFT_MODELS_HEAD_H_
