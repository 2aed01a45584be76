// Tensors whose elements do not stand row by row. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_STRIDED_READ_H_
#define GRAFT_MODELS_WEIGHTS_STRIDED_READ_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft {

// Whether no two elements share a place, as seen from sizes and strides: with the dimensions
// ordered by stride, each steps over all of the next ones. Elements are then read in the order of
// the file.
bool StridesAreDisjoint(const TensorInfo& tensor);

// Reads the elements into rows. The strides are disjoint.
absl::Status ReadStrided(const InputFile& file, const TensorInfo& tensor, absl::Span<char> out);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_STRIDED_READ_H_
