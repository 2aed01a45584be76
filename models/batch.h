// A packed batch of texts.
#ifndef GRAFT_MODELS_BATCH_H_
#define GRAFT_MODELS_BATCH_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/segments.h"
#include "models/kernels/word_lookup.h"

namespace graft {

// All tokens of B texts, one after the other: there is no padding and there are no masks. R is the
// capacity that `segments` describes.
struct Batch {
  at::Tensor ids;        // int32 [R]
  at::Tensor positions;  // int32 [R], 0, 1, ... within each text
  at::Tensor type_ids;   // int32 [R]
  // Whether the tokenizer gives types, for models to which types that are all 0 are not the same as
  // none.
  bool types_given = false;
  Segments segments;
  // Of models over word vectors, whose ids count these words.
  WordRows words = {};
};

}  // namespace graft

#endif  // GRAFT_MODELS_BATCH_H_
