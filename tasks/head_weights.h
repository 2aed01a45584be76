// What all heads do with their weights: make new ones, copy them for an optimizer, drop out.
// Internal: not part of the installed headers.
#ifndef GRAFT_TASKS_HEAD_WEIGHTS_H_
#define GRAFT_TASKS_HEAD_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/backbone.h"
#include "models/composer.h"
#include "models/head_layout.h"
#include "models/kernels/dropout.h"
#include "models/weights_layout.h"

namespace graft {

// Tensors of the slots of HeadSlots behind those of `first`, which are taken as they are: matrices
// normal with this standard deviation, gains one, biases zero. A function of the seed.
std::vector<at::Tensor> NewHeadTensors(const HeadLayout& layout,
                                       const std::vector<SlotLayout>& slots, double deviation,
                                       uint64_t seed, std::vector<at::Tensor> first);

// New weights of a composer, one tensor a slot, and of a table of words: normal.
std::vector<at::Tensor> NewComposerTensors(const Composer& composer, uint64_t seed);
at::Tensor NewTable(int64_t rows, int64_t width, double deviation, uint64_t seed);

// Copies that record gradients.
std::vector<at::Tensor> TrainableCopies(const std::vector<at::Tensor>& tensors);

// The dropout at a place of RunHead (models/head.h): inactive unless the pass trains.
DropoutKey HeadDropoutKey(const PassOptions& options, double rate, int place);

}  // namespace graft

#endif  // GRAFT_TASKS_HEAD_WEIGHTS_H_
