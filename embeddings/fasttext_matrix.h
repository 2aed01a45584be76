// The matrices of fastText's models. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_FASTTEXT_MATRIX_H_
#define GRAFT_EMBEDDINGS_FASTTEXT_MATRIX_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "embeddings/binary_reader.h"
#include "embeddings/growing_memory.h"

namespace graft {

// Row-major [rows, width].
struct FastTextMatrix {
  int64_t rows = 0;
  int64_t width = 0;
  std::shared_ptr<GrowingMemory> memory;  // nullptr: not kept

  float* floats() const { return reinterpret_cast<float*>(memory->data()); }
};

// The next matrix of the file: of full numbers (densematrix.cc), or quantized (quantmatrix.cc,
// productquantizer.cc), which comes as the numbers that its codes stand for. Without `keep` it is
// passed over, its sizes checked. DataLoss as BinaryReader says, also for numbers that are not
// finite; ResourceExhausted for codes that stand for far more than they are.
absl::StatusOr<FastTextMatrix> ReadFullMatrix(BinaryReader& in, bool keep);
absl::StatusOr<FastTextMatrix> ReadQuantizedMatrix(BinaryReader& in, bool keep);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FASTTEXT_MATRIX_H_
