// The layers between an encoder and the logits of a task, as a family's checkpoints have them.
#ifndef GRAFT_MODELS_HEAD_LAYOUT_H_
#define GRAFT_MODELS_HEAD_LAYOUT_H_

#include <optional>
#include <string>

#include "models/kernels/activation_kind.h"
#include "models/kernels/pooling.h"

namespace graft {

// logits = output(dropout(norm(activation(dense(dropout(x)))))). x is what `pooling` makes of the
// last hidden states, or each of them. Layers without a name are left out. Names are those of
// modules: "classifier" has classifier.weight and classifier.bias.
struct HeadLayout {
  Pooling pooling = Pooling::kCls;
  double input_dropout = 0;
  std::string dense = {};
  // The dense layer is the encoder's own pooler: its tensors carry the encoder's prefix, and an
  // encoder without a head may bring them.
  bool dense_is_pooler = false;
  bool dense_bias = true;
  int64_t dense_size = 0;  // its results; 0: as many as the hidden size
  Activation activation = Activation::kIdentity;
  std::string norm = {};
  std::string other_norm = {};  // its name in some checkpoints
  bool norm_bias = true;
  double norm_eps = 0;
  double dropout = 0;
  std::string output = {};
  bool output_bias = true;
  // The name of the output's bias where it is not `output`.bias.
  std::string output_bias_name = {};
  // The output's weight meets the first components of x only, and the transpose of
  // `output_rest`.weight [output_rest_size, outputs] the others (MobileBERT).
  std::string output_rest = {};
  int64_t output_rest_size = 0;
  // The output's weight is the table of the word embeddings.
  bool tied = false;
};

// The heads of a family; none where its checkpoints know none.
struct HeadLayouts {
  std::optional<HeadLayout> sequence;  // one label a text
  std::optional<HeadLayout> token;     // one label a token
  std::optional<HeadLayout> language;  // the vocabulary, at each token
};

}  // namespace graft

#endif  // GRAFT_MODELS_HEAD_LAYOUT_H_
