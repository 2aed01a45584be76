#include "models/families/bert_like.h"

#include <utility>

namespace graft {
namespace {

class BertLikeEncoder final : public Architecture {
 public:
  BertLikeEncoder(EncoderConfig config, HeadLayouts heads, BertLike parts)
      : Architecture(std::move(config), std::move(heads)), parts_(std::move(parts)) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    std::vector<std::vector<SlotLayout>> stages = {EmbeddingSlots(parts_.embeddings)};
    for (int64_t layer = 0; layer < config().layers; ++layer) {
      stages.push_back(PostNormSlots(parts_.layer_names(layer), config().hidden_size,
                                     config().intermediate_size));
    }
    return stages;
  }

  at::Tensor RunStage(const StageInput& input) const override {
    if (input.stage > 0) return RunPostNorm(parts_.layer, input, input.weights(), {});
    return RunEmbeddings(parts_.embeddings, input,
                         parts_.padding_id ? PositionsBehindPadding(input.batch, *parts_.padding_id)
                                           : input.batch.positions);
  }

 private:
  const BertLike parts_;
};

}  // namespace

BertLike MakeBertLike(const EncoderConfig& config, Activation activation, double norm_eps) {
  return {.embeddings = {.vocab_size = config.vocab_size,
                         .positions = config.max_positions,
                         .types = config.type_vocab_size,
                         .width = config.hidden_size,
                         .hidden_size = config.hidden_size,
                         .norm_eps = norm_eps,
                         .dropout = config.hidden_dropout},
          .layer = {.heads = config.heads,
                    .activation = activation,
                    .norm_eps = norm_eps,
                    .attention_dropout = config.attention_dropout,
                    .attended_dropout = config.hidden_dropout,
                    .hidden_dropout = config.hidden_dropout},
          .padding_id = std::nullopt};
}

std::unique_ptr<const Architecture> BertLikeArchitecture(EncoderConfig config, HeadLayouts heads,
                                                         BertLike parts) {
  return std::make_unique<BertLikeEncoder>(std::move(config), std::move(heads), std::move(parts));
}

HeadLayout PlainTokenHead(double dropout) { return {.dropout = dropout, .output = "classifier"}; }

HeadLayout MaskedLanguageHead(const std::string& dense, const std::string& norm,
                              Activation activation, double norm_eps, const std::string& decoder,
                              bool tied) {
  return {.dense = dense,
          .activation = activation,
          .norm = norm,
          .norm_eps = norm_eps,
          .output = decoder,
          .tied = tied};
}

}  // namespace graft
