// How much memory tensors take, counted where it is allocated.
#ifndef GRAFT_MODELS_TENSOR_MEMORY_H_
#define GRAFT_MODELS_TENSOR_MEMORY_H_

#include <cstdint>

namespace graft {

// Bytes of CPU tensors, as LibTorch asks for them. Mapped weights do not count: they are the file.
struct TensorMemory {
  int64_t now = 0;
  int64_t peak = 0;  // largest value of `now` since the start or the last ResetPeakTensorMemory
};

// Puts a counting allocator in front of LibTorch's CPU allocator, for the rest of the process. Call
// it before the first tensor is made; programs that do not call it lose nothing but the count.
void CountTensorMemory();

// Thread-safe. Zeros when CountTensorMemory was not called.
TensorMemory CurrentTensorMemory();
void ResetPeakTensorMemory();

}  // namespace graft

#endif  // GRAFT_MODELS_TENSOR_MEMORY_H_
