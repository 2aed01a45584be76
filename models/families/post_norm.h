// The layer of BERT and its relatives (Devlin et al. 2019, arXiv 1810.04805; Vaswani et al. 2017,
// arXiv 1706.03762): attention and a feed-forward net, each followed by a layer norm over its sum
// with what went in.
#ifndef GRAFT_MODELS_FAMILIES_POST_NORM_H_
#define GRAFT_MODELS_FAMILIES_POST_NORM_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/architecture.h"
#include "models/kernels/activation_kind.h"
#include "models/kernels/attention.h"
#include "models/weights_layout.h"

namespace graft {

// The modules of a layer; each has a weight and a bias.
struct PostNormNames {
  std::string query, key, value;      // [H, H]
  std::string attention_output = {};  // [H, H]
  std::string attention_norm = {};
  std::string up = {};    // [I, H]
  std::string down = {};  // [H, I]
  std::string output_norm = {};
};

// BERT's names of layer `index`, counted from 0.
PostNormNames BertLayerNames(int64_t index);

std::vector<SlotLayout> PostNormSlots(const PostNormNames& names, int64_t hidden_size,
                                      int64_t intermediate_size);

struct PostNormLayer {
  int64_t heads = 0;
  Activation activation = Activation::kGelu;
  double norm_eps = 0;
  double attention_dropout = 0;  // on the probabilities
  double attended_dropout = 0;   // on what attention gives, before the sum
  double hidden_dropout = 0;     // on what the feed-forward net gives, before the sum
};

// The output [R, H] of a layer whose slots are PostNormSlots. Dropout has places 0 to 2.
at::Tensor RunPostNorm(const PostNormLayer& layer, const StageInput& input,
                       const std::vector<at::Tensor>& weights, const AttentionOptions& attention);

// The same for families whose queries, keys and values are made in another way: qkv [R, 3H] and
// bias [3H] are what Attention takes, and the first two slots are not read.
at::Tensor RunPostNormOver(const at::Tensor& qkv, const at::Tensor& bias,
                           const PostNormLayer& layer, const StageInput& input,
                           const std::vector<at::Tensor>& weights,
                           const AttentionOptions& attention);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_POST_NORM_H_
