// A recurrent layer of long short-term memory (Hochreiter and Schmidhuber 1997, with the forget
// gate of Gers et al. 2000) over packed texts, in both directions.
#ifndef GRAFT_MODELS_KERNELS_LSTM_H_
#define GRAFT_MODELS_KERNELS_LSTM_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/segments.h"

namespace graft {

// As torch.nn.LSTM(bidirectional=True) over each text by itself, from zero states: the hidden
// states [R, 2H], those of the way from the first token to the last in the first H columns, those
// of the way back in the others. `projected` [R, 8H]: what the input adds to the gates, bias and
// all, the first 4H columns for the way forth, the others for the way back, each in the order input
// gate, forget gate, cell, output gate. `forth` and `back` [4H, H]: what the state before adds.
// Differentiable in all three. Rows that belong to no text are 0. A text's bits do not depend on
// the others. Elementwise functions as BiasActivation's.
at::Tensor BidirectionalLstm(const at::Tensor& projected, const at::Tensor& forth,
                             const at::Tensor& back, const Segments& segments);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_LSTM_H_
