// The rows of the words of a batch: those that train from a table, the others as they came.
#ifndef GRAFT_MODELS_KERNELS_WORD_LOOKUP_H_
#define GRAFT_MODELS_KERNELS_WORD_LOOKUP_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/segments.h"

namespace graft {

// The different words of some texts.
struct WordRows {
  at::Tensor vectors;     // float32 [U, D]: of each, where it is not the table's
  at::Tensor table_rows;  // int32 [U]: a word's row of the table, -1 where it has none
  at::Tensor weights;     // float32 [U]: of each in a weighted mean; undefined: 1
};

// Row i of the result [R, D] is row t = table_rows[ids[i]] of `table` [W, D] where t >= 0, else row
// ids[i] of `vectors`. ids int32 [R]; an undefined table is left out, and all rows are vectors.
// Rows that belong to no text are 0. Differentiable in the table, with a sparse gradient (COO)
// of the rows that were met, each once and summed in the order of the tokens. Indices must be
// inside (checked, a bug otherwise).
at::Tensor WordLookup(const at::Tensor& ids, const WordRows& words, const at::Tensor& table,
                      const Segments& segments);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_WORD_LOOKUP_H_
