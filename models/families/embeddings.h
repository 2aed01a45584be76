// The embeddings that most encoders begin with: the sum of some tables, a layer norm, dropout and
// sometimes a projection to the hidden size.
#ifndef GRAFT_MODELS_FAMILIES_EMBEDDINGS_H_
#define GRAFT_MODELS_FAMILIES_EMBEDDINGS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/architecture.h"
#include "models/weights_layout.h"

namespace graft {

// Tables without a name are left out, and so is the projection.
struct EmbeddingsLayout {
  std::string word = "embeddings.word_embeddings";
  std::string position = "embeddings.position_embeddings";
  std::string type = "embeddings.token_type_embeddings";
  std::string norm = "embeddings.LayerNorm";
  std::string other_norm = {};  // its name in some checkpoints
  std::string projection = {};
  int64_t vocab_size = 0;
  int64_t positions = 0;  // rows of the positions' table
  int64_t types = 0;      // rows of the types' table; 0 leaves it out
  int64_t width = 0;      // of the tables
  int64_t hidden_size = 0;
  double norm_eps = 0;
  double dropout = 0;
};

std::vector<SlotLayout> EmbeddingSlots(const EmbeddingsLayout& layout);

// The output [R, H] of stage 0 whose slots are EmbeddingSlots. positions int32 [R] are rows of
// their table. The dropout has place 0.
at::Tensor RunEmbeddings(const EmbeddingsLayout& layout, const StageInput& input,
                         const at::Tensor& positions);

// The positions int32 [R] of RoBERTa's descendants: they count from padding_id + 1, and a token
// that is the padding itself has position padding_id and is not counted.
at::Tensor PositionsBehindPadding(const Batch& batch, int64_t padding_id);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_EMBEDDINGS_H_
