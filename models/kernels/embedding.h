// The sum of embedding tables that an encoder starts with.
#ifndef GRAFT_MODELS_KERNELS_EMBEDDING_H_
#define GRAFT_MODELS_KERNELS_EMBEDDING_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/segments.h"

namespace graft {

// word[ids] + position[positions] + type[type_ids]: ids, positions, type_ids int32 [R]; word [V,
// H], position [P, H], type [K, H] (an undefined table is left out). Result [R, H]. Differentiable
// in the tables; rows that belong to no text give no gradient. Indices must be inside their tables
// (checked, they are a bug otherwise).
at::Tensor EmbeddingSum(const at::Tensor& ids, const at::Tensor& positions,
                        const at::Tensor& type_ids, const at::Tensor& word,
                        const at::Tensor& position, const at::Tensor& type,
                        const Segments& segments);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_EMBEDDING_H_
