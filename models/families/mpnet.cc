// MPNet (Song et al. 2020, arXiv 2004.09297): BERT without token types, with RoBERTa's positions
// and a table of scores by distance that all layers share (Raffel et al. 2020, arXiv 1910.10683).
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {
namespace {

// MPNet's own code has these two as they are; a config's pad_token_id does not count.
constexpr int64_t kPaddingId = 1;
constexpr int64_t kBuckets = 32;

PostNormNames LayerNames(int64_t index) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", index, ".", rest);
  };
  return {.query = name("attention.attn.q"),
          .key = name("attention.attn.k"),
          .value = name("attention.attn.v"),
          .attention_output = name("attention.attn.o"),
          .attention_norm = name("attention.LayerNorm"),
          .up = name("intermediate.dense"),
          .down = name("output.dense"),
          .output_norm = name("output.LayerNorm")};
}

// The bucket of a key at `distance` = j - i. Half of them are for keys behind the query. Of each
// half the first 8 hold one distance each, and bucket b of the others those from 8 * 2^((b - 8) /
// 2): the squares compare these without rounding.
int64_t Bucket(int64_t distance) {
  constexpr int64_t kHalf = kBuckets / 2, kExact = kHalf / 2;
  const int64_t n = std::abs(distance);
  int64_t bucket = std::min(n, kExact);
  for (int64_t square = 2 * kExact * kExact; bucket + 1 < kHalf && n * n >= square; square *= 2) {
    ++bucket;
  }
  return distance > 0 ? kHalf + bucket : bucket;
}

class MPNetEncoder final : public Architecture {
 public:
  MPNetEncoder(EncoderConfig config, HeadLayouts heads, BertLike parts, int64_t buckets)
      : Architecture(std::move(config), std::move(heads)),
        parts_(std::move(parts)),
        buckets_(buckets) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    std::vector<std::vector<SlotLayout>> stages = {EmbeddingSlots(parts_.embeddings)};
    for (int64_t layer = 0; layer < config().layers; ++layer) {
      stages.push_back(
          PostNormSlots(LayerNames(layer), config().hidden_size, config().intermediate_size));
    }
    stages[1].push_back({{{"encoder.relative_attention_bias.weight", {buckets_, config().heads}}}});
    return stages;
  }

  // The bucket of each distance in the longest text, int64 [2 * longest - 1].
  std::vector<at::Tensor> Tables(const Batch& batch) const override {
    const int64_t longest = std::max<int64_t>(batch.segments.longest, 1);
    at::Tensor buckets = at::empty({2 * longest - 1}, at::kLong);
    auto* bucket = buckets.mutable_data_ptr<int64_t>();
    for (int64_t distance = 1 - longest; distance < longest; ++distance) {
      *bucket++ = Bucket(distance);
    }
    return {std::move(buckets)};
  }

  at::Tensor RunStage(const StageInput& input) const override {
    if (input.stage == 0) {
      return RunEmbeddings(parts_.embeddings, input,
                           PositionsBehindPadding(input.batch, kPaddingId));
    }
    const at::Tensor& table = input.stages[1]->tensors.back();  // [buckets, A]
    AttentionOptions attention;
    attention.scores = table.index_select(0, input.tables[0]).t().contiguous();
    return RunPostNorm(parts_.layer, input, input.weights(), attention);
  }

 private:
  const BertLike parts_;
  const int64_t buckets_;
};

}  // namespace

std::unique_ptr<const Architecture> ReadMPNet(ConfigReader& reader) {
  EncoderConfig config = ReadCommonConfig(reader, 0);
  const Activation activation = reader.Function("hidden_act", "gelu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  reader.ExpectText("position_embedding_type", "absolute");
  const int64_t buckets =
      reader.Integer("relative_attention_num_buckets", kBuckets, kMaxWidth, kBuckets);
  config.type_vocab_size = 0;
  BertLike parts = MakeBertLike(config, activation, eps);
  config.max_positions -= kPaddingId + 1;
  if (config.max_positions < 1) {
    reader.Fail("max_position_embeddings", absl::StrCat("expected more than ", kPaddingId + 1,
                                                        ", found ", parts.embeddings.positions));
  }
  HeadLayouts heads;
  heads.sequence = {.input_dropout = config.hidden_dropout,
                    .dense = "classifier.dense",
                    .activation = Activation::kTanh,
                    .dropout = config.hidden_dropout,
                    .output = "classifier.out_proj"};
  heads.token = PlainTokenHead(config.hidden_dropout);
  heads.language = MaskedLanguageHead("lm_head.dense", "lm_head.layer_norm", Activation::kGelu, eps,
                                      "lm_head.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->output_bias_name = "lm_head.bias";
  return std::make_unique<MPNetEncoder>(std::move(config), std::move(heads), std::move(parts),
                                        buckets);
}

}  // namespace graft
