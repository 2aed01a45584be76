// What both generations of DeBERTa have in common (He et al. 2021, arXiv 2006.03654 and
// 2111.09543): BERT's layers whose attention tells apart what a token says and how far away it
// stands.
#ifndef GRAFT_MODELS_FAMILIES_DISENTANGLED_H_
#define GRAFT_MODELS_FAMILIES_DISENTANGLED_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "models/architecture.h"
#include "models/families/post_norm.h"

namespace graft {

// The modules of a layer, encoder.layer.I.attention.self, that differ from generation to
// generation.
struct DisentangledNames {
  std::string query, key, value;  // of the content
  std::string stacked = {};       // instead of them: one matrix, the heads one after the other
  std::string position_key = {};  // of the relative embeddings
  bool position_key_bias = true;
  std::string position_query = {};
};

// Embeddings of distances. Those of the layers' scores are made of them by projections, so they are
// as many as a table has rows whatever the texts.
struct RelativePositions {
  int64_t table_rows = 0;  // encoder.rel_embeddings; 0: none
  at::Tensor rows;         // int64 [2P - 1], P = max_positions: the row of each distance j - i of a
                           // key j from a query i, in ascending order
  bool content_to_position = false;  // q_i . key(j - i)
  bool position_to_content = false;  // query(j - i) . k_j
  bool shares_projections = false;   // positions go through those of the content
  bool norm = false;                 // encoder.LayerNorm over the table
};

// encoder.conv: a convolution over the embeddings, added to the output of the first layer.
struct DisentangledConvolution {
  int64_t taps = 0;  // odd; 0: no convolution
  int64_t groups = 1;
  Activation activation = Activation::kTanh;
};

struct Disentangled {
  int64_t embedding_size = 0;       // width of the tables; a projection follows unless it is H
  bool absolute_positions = false;  // a table of them is part of the embeddings
  double norm_eps = 0;
  DisentangledNames (*names)(int64_t layer) = nullptr;
  PostNormLayer layer;
  double scale = 0;  // of the scores
  RelativePositions relative;
  DisentangledConvolution convolution;
};

std::unique_ptr<const Architecture> DisentangledArchitecture(EncoderConfig config,
                                                             HeadLayouts heads, Disentangled parts);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_DISENTANGLED_H_
