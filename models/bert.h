// BERT (Devlin et al. 2019, arXiv 1810.04805): post-norm layers over summed embeddings.
#ifndef GRAFT_MODELS_BERT_H_
#define GRAFT_MODELS_BERT_H_

#include <memory>
#include <vector>

#include "models/backbone.h"
#include "models/encoder_config.h"
#include "models/weights_layout.h"

namespace graft {

// Names and shapes of the published checkpoints, without the prefix "bert.".
std::vector<std::vector<SlotLayout>> BertLayout(const EncoderConfig& config);

std::unique_ptr<Backbone> MakeBert(const EncoderConfig& config,
                                   std::vector<std::shared_ptr<const Stage>> stages);

}  // namespace graft

#endif  // GRAFT_MODELS_BERT_H_
