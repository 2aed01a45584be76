// Encoders that are BERT but for their embeddings and heads.
#ifndef GRAFT_MODELS_FAMILIES_BERT_LIKE_H_
#define GRAFT_MODELS_FAMILIES_BERT_LIKE_H_

#include <memory>
#include <optional>
#include <string>

#include "models/architecture.h"
#include "models/families/embeddings.h"
#include "models/families/post_norm.h"

namespace graft {

struct BertLike {
  EmbeddingsLayout embeddings;
  PostNormLayer layer;
  // Positions count from behind this id (PositionsBehindPadding); without it from 0.
  std::optional<int64_t> padding_id;
  PostNormNames (*layer_names)(int64_t index) = BertLayerNames;
};

// What the common part of a config says about both.
BertLike MakeBertLike(const EncoderConfig& config, Activation activation, double norm_eps);

std::unique_ptr<const Architecture> BertLikeArchitecture(EncoderConfig config, HeadLayouts heads,
                                                         BertLike parts);

// dropout and a linear layer over each hidden state: the token head of most families.
HeadLayout PlainTokenHead(double dropout);

// dense, activation and layer norm before the vocabulary: the head of masked language models.
// `transform` names dense and norm, `decoder` the output.
HeadLayout MaskedLanguageHead(const std::string& dense, const std::string& norm,
                              Activation activation, double norm_eps, const std::string& decoder,
                              bool tied);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_BERT_LIKE_H_
