// From the key of a dropout to the mask of one text.
#ifndef GRAFT_MODELS_KERNELS_TEXT_DROPOUT_H_
#define GRAFT_MODELS_KERNELS_TEXT_DROPOUT_H_

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "models/kernels/dropout.h"
#include "models/kernels/loops.h"

namespace graft {

// The rate must lie in [0, 1).
inline TextDropout ForText(const DropoutKey& key, int32_t text_id) {
  TORCH_CHECK(key.rate >= 0 && key.rate < 1, "dropout rate ", key.rate, " is outside [0, 1)");
  // word >= rate * 2^32 for whole words; a rate next to 1 may round up to 2^32.
  const double threshold = std::min(std::ceil(std::ldexp(key.rate, 32)), 4294967295.0);
  return {.seed = key.seed,
          .text = static_cast<uint32_t>(text_id),
          .site = key.site,
          .step = key.step,
          .threshold = static_cast<uint32_t>(threshold),
          .scale = static_cast<float>(1.0 / (1.0 - key.rate))};
}

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_TEXT_DROPOUT_H_
