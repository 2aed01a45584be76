// How the vectors of a text's words become one.
#ifndef GRAFT_MODELS_COMPOSER_H_
#define GRAFT_MODELS_COMPOSER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/batch.h"
#include "models/kernels/convolution.h"
#include "models/kernels/pooling.h"
#include "models/weights_layout.h"

namespace graft {

enum class ComposerKind {
  // Their mean.
  kAverage,
  // The mean of weights * vectors (Batch::words.weights), without what it has of one direction:
  // smooth inverse frequency (Arora, Liang and Ma 2017, "A Simple but Tough-to-Beat Baseline for
  // Sentence Embeddings").
  kSif,
  // What each filter finds at most (MaxOverWindows; Kim 2014).
  kCnn,
  // The hidden states of a bidirectional LSTM, pooled.
  kLstm,
};

// "average", "sif", "cnn", "lstm"; nullopt for other names.
std::string_view ComposerName(ComposerKind kind);
std::optional<ComposerKind> ComposerOfName(std::string_view name);

struct Composer {
  ComposerKind kind = ComposerKind::kAverage;
  int64_t input_size = 0;  // H, of the hidden states
  // kSif: unit vector [1, H], the direction that is taken out; undefined: none.
  at::Tensor component = {};
  ConvolutionShape convolution = {.filters = 100, .widths = {3, 4, 5}};  // kCnn
  int64_t lstm_size = 150;                                               // kLstm, of each direction
  Pooling pooling = Pooling::kMax;                                       // kLstm

  int64_t output_size() const;
};

// For people: "average", "cnn, 100 filters of width 3, 4, 5".
std::string DescribeComposer(const Composer& composer);

// The slots of its weights: of kCnn `convolution.W.weight` [W * F, H], rows of a window's first
// token first, and `convolution.W.bias` [F] for each width W; of kLstm `lstm.weight_ih` [4S, H],
// `.weight_hh` [4S, S] and `.bias` [4S], and the same with `_reverse`, gates in the order of
// torch.nn.LSTM.
std::vector<SlotLayout> ComposerSlots(const Composer& composer);
// Standard deviations of new weights by slot, biases' 0: of kCnn He's (2015, arXiv 1502.01852), of
// kLstm Glorot's (2010) with 1 / sqrt(S) for what goes round.
std::vector<double> ComposerDeviations(const Composer& composer);

// hidden [R, H] -> [B, output_size]. `tensors`: one a slot. A text's bits do not depend on the
// others.
at::Tensor Compose(const Composer& composer, const std::vector<at::Tensor>& tensors,
                   const at::Tensor& hidden, const Batch& batch);

}  // namespace graft

#endif  // GRAFT_MODELS_COMPOSER_H_
