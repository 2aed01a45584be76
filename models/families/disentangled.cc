#include "models/families/disentangled.h"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/kernels/activation.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

// Slots of a layer: those of PostNormSlots, where a stacked matrix has [3H, H] and the biases of
// queries and values as its first two, then the projections of positions. Behind those of the first
// layer are the tensors that belong to the whole encoder.
constexpr size_t kContentWeight = 0, kContentBias = 1, kPostNormSlots = 12;

// Behind the places of RunPostNorm. Dropout of the embeddings is at place 0 of stage 0.
enum DropoutPlace { kRelative = 3, kConvolution = 4 };

void Add(std::vector<SlotLayout>& slots, const std::string& module, std::string_view what,
         std::vector<int64_t> shape) {
  slots.push_back({{{absl::StrCat(module, ".", what), std::move(shape)}}});
}

// For each row the rows that the taps of a convolution read, int64 [R * K]: those of its own text,
// and beyond its ends row R.
at::Tensor TapRows(const Segments& segments, int64_t rows, int64_t taps) {
  at::Tensor index = at::empty({rows * taps}, at::kLong);
  int64_t* out = index.mutable_data_ptr<int64_t>();
  std::fill(out, out + rows * taps, rows);
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  for (int64_t text = 0; text < segments.texts(); ++text) {
    for (int64_t row = starts[text]; row < starts[text + 1]; ++row) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t read = row + tap - taps / 2;
        if (read >= starts[text] && read < starts[text + 1]) out[row * taps + tap] = read;
      }
    }
  }
  return index;
}

// x [R, H], weight [H, H / G, K], bias [H] -> [R, H].
at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Segments& segments, int64_t groups) {
  const int64_t rows = x.size(0), hidden = x.size(1), taps = weight.size(2);
  const int64_t width = hidden / groups;
  const at::Tensor bounded = at::cat({x, at::zeros({1, hidden}, x.options())});  // [R + 1, H]
  const at::Tensor windows =
      at::index_select(bounded, 0, TapRows(segments, rows, taps)).view({rows, taps, hidden});
  std::vector<at::Tensor> parts;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = group * width;
    const at::Tensor part = windows.narrow(2, first, width).reshape({rows, taps * width});
    const at::Tensor matrix =
        weight.narrow(0, first, width).permute({0, 2, 1}).reshape({width, taps * width});
    parts.push_back(Linear(part, matrix, bias.narrow(0, first, width)));
  }
  return groups == 1 ? parts[0] : at::cat(parts, 1);
}

class DisentangledEncoder final : public Architecture {
 public:
  DisentangledEncoder(EncoderConfig config, HeadLayouts heads, Disentangled parts)
      : Architecture(std::move(config), std::move(heads)), parts_(std::move(parts)) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    std::vector<std::vector<SlotLayout>> stages = {EmbeddingSlots()};
    for (int64_t layer = 0; layer < config().layers; ++layer) stages.push_back(LayerSlots(layer));
    AddSharedSlots(stages[1]);
    return stages;
  }

  // With relative positions: the row of each distance from 1 - M to M - 1, counted from the lowest
  // that one of them has, int64 [2M - 1]; and that row and the number of rows up to the highest,
  // int64 [2].
  std::vector<at::Tensor> Tables(const Batch& batch) const override {
    if (parts_.relative.table_rows == 0) return {};
    const int64_t known = (parts_.relative.rows.size(0) + 1) / 2;
    const int64_t longest = std::max<int64_t>(1, batch.segments.longest);
    TORCH_CHECK(longest <= known, "a text of ", longest, " tokens, but only ", known, " positions");
    const at::Tensor rows = parts_.relative.rows.narrow(0, known - longest, 2 * longest - 1);
    const auto [lowest, highest] = std::minmax_element(
        rows.const_data_ptr<int64_t>(), rows.const_data_ptr<int64_t>() + rows.numel());
    return {at::sub(rows, *lowest), at::tensor({*lowest, *highest - *lowest + 1}, at::kLong)};
  }

  at::Tensor RunStage(const StageInput& in) const override {
    if (in.stage == 0) return RunEmbeddings(in);
    const AttentionOptions attention = Scores(in);
    at::Tensor hidden = names().stacked.empty()
                            ? RunPostNorm(parts_.layer, in, in.weights(), attention)
                            : RunPostNormOver(StackedByHead(in), StackedBias(in), parts_.layer, in,
                                              in.weights(), attention);
    return in.stage == 1 && parts_.convolution.taps > 0 ? RunConvolution(in, hidden) : hidden;
  }

 private:
  DisentangledNames names() const { return parts_.names(0); }
  bool projects() const { return parts_.embedding_size != config().hidden_size; }
  bool projects_keys() const {
    return parts_.relative.content_to_position && !parts_.relative.shares_projections;
  }
  bool projects_queries() const {
    return parts_.relative.position_to_content && !parts_.relative.shares_projections;
  }
  // Where the projection of positions to queries begins, and the tensors behind the first layer's.
  size_t position_query_slot() const {
    return kPostNormSlots + (projects_keys() ? 1 + (names().position_key_bias ? 1 : 0) : 0);
  }
  size_t shared_slot() const { return position_query_slot() + (projects_queries() ? 2 : 0); }
  size_t convolution_slot() const {
    const RelativePositions& relative = parts_.relative;
    return shared_slot() + (relative.table_rows > 0 ? 1 + (relative.norm ? 2 : 0) : 0);
  }

  std::vector<SlotLayout> EmbeddingSlots() const {
    std::vector<SlotLayout> slots;
    const int64_t width = parts_.embedding_size, hidden = config().hidden_size;
    Add(slots, "embeddings.word_embeddings", "weight", {config().vocab_size, width});
    if (parts_.absolute_positions) {
      Add(slots, "embeddings.position_embeddings", "weight", {config().max_positions, width});
    }
    if (config().type_vocab_size > 0) {
      Add(slots, "embeddings.token_type_embeddings", "weight", {config().type_vocab_size, width});
    }
    if (projects()) Add(slots, "embeddings.embed_proj", "weight", {hidden, width});
    Add(slots, "embeddings.LayerNorm", "weight", {hidden});
    Add(slots, "embeddings.LayerNorm", "bias", {hidden});
    return slots;
  }

  std::vector<SlotLayout> LayerSlots(int64_t layer) const {
    const int64_t hidden = config().hidden_size;
    const DisentangledNames names = parts_.names(layer);
    PostNormNames all = BertLayerNames(layer);
    all.query = names.query;
    all.key = names.key;
    all.value = names.value;
    std::vector<SlotLayout> slots = PostNormSlots(all, hidden, config().intermediate_size);
    if (!names.stacked.empty()) {
      slots[kContentWeight] = {{{absl::StrCat(names.stacked, ".weight"), {3 * hidden, hidden}}}};
      slots[kContentBias] = {{{names.query, {hidden}}, {names.value, {hidden}}}};
    }
    if (projects_keys()) {
      Add(slots, names.position_key, "weight", {hidden, hidden});
      if (names.position_key_bias) Add(slots, names.position_key, "bias", {hidden});
    }
    if (projects_queries()) {
      Add(slots, names.position_query, "weight", {hidden, hidden});
      Add(slots, names.position_query, "bias", {hidden});
    }
    return slots;
  }

  void AddSharedSlots(std::vector<SlotLayout>& slots) const {
    const int64_t hidden = config().hidden_size;
    const auto add_norm = [&](const std::string& name) {
      Add(slots, name, "weight", {hidden});
      Add(slots, name, "bias", {hidden});
    };
    if (parts_.relative.table_rows > 0) {
      Add(slots, "encoder.rel_embeddings", "weight", {parts_.relative.table_rows, hidden});
      if (parts_.relative.norm) add_norm("encoder.LayerNorm");
    }
    if (const DisentangledConvolution& c = parts_.convolution; c.taps > 0) {
      Add(slots, "encoder.conv.conv", "weight", {hidden, hidden / c.groups, c.taps});
      Add(slots, "encoder.conv.conv", "bias", {hidden});
      add_norm("encoder.conv.LayerNorm");
    }
  }

  at::Tensor RunEmbeddings(const StageInput& in) const {
    const std::vector<at::Tensor>& w = in.weights();
    const Batch& batch = in.batch;
    const at::Tensor none;
    auto next = w.begin();
    const at::Tensor& word = *next++;
    const at::Tensor position = parts_.absolute_positions ? *next++ : none;
    const at::Tensor type = config().type_vocab_size > 0 ? *next++ : none;
    at::Tensor x = EmbeddingSum(batch.ids, batch.positions, batch.type_ids, word, position, type,
                                batch.segments);   // [R, width]
    if (projects()) x = Linear(x, *next++, none);  // [R, H]
    const at::Tensor &gamma = next[0], &beta = next[1];
    return Dropout(LayerNorm(x, gamma, beta, parts_.norm_eps), batch.segments,
                   in.dropout(parts_.layer.hidden_dropout, 0));
  }

  // Scores with what the distances add to them.
  AttentionOptions Scores(const StageInput& in) const {
    AttentionOptions options = {.scale = parts_.scale};
    const RelativePositions& relative = parts_.relative;
    if (relative.table_rows == 0) return options;
    const std::vector<at::Tensor>& w = in.weights();
    const int64_t hidden = config().hidden_size;
    const at::Tensor embeddings = RelativeEmbeddings(in);  // [D, H]
    const auto by_distance = [&](const at::Tensor& weight, const at::Tensor& bias) {
      return at::index_select(Linear(embeddings, weight, bias), 0, in.tables[0]);  // [2M - 1, H]
    };
    const auto shared = [&](int64_t third) {
      return by_distance(w[kContentWeight].narrow(0, third * hidden, hidden),
                         w[kContentBias].narrow(0, third * hidden, hidden));
    };
    if (relative.content_to_position) {
      options.keys =
          relative.shares_projections
              ? shared(1)
              : by_distance(w[kPostNormSlots],
                            names().position_key_bias ? w[kPostNormSlots + 1] : at::Tensor());
    }
    if (relative.position_to_content) {
      const size_t slot = position_query_slot();
      options.queries = relative.shares_projections ? shared(0) : by_distance(w[slot], w[slot + 1]);
    }
    return options;
  }

  // The rows of the table that the batch needs, [D, H], ready for the projections. They belong to
  // no text, so their dropout counts the whole table as one text with index 0: the same mask
  // whatever the texts, and however a step is split.
  at::Tensor RelativeEmbeddings(const StageInput& in) const {
    const std::vector<at::Tensor>& shared = in.stages[1]->tensors;
    const DropoutKey key = in.dropout(parts_.layer.hidden_dropout, kRelative);
    const int64_t* range = in.tables[1].const_data_ptr<int64_t>();
    at::Tensor x = shared[shared_slot()];
    if (!key.active()) x = x.narrow(0, range[0], range[1]);
    if (parts_.relative.norm) {
      x = LayerNorm(x, shared[shared_slot() + 1], shared[shared_slot() + 2], parts_.norm_eps);
    }
    if (!key.active()) return x;
    const Segments whole = {.starts = at::tensor({int64_t{0}, x.size(0)}, at::kInt),
                            .text_ids = at::zeros({1}, at::kInt),
                            .tokens = x.size(0),
                            .longest = x.size(0)};
    return Dropout(x, whole, key).narrow(0, range[0], range[1]);
  }

  // Queries, keys and values [R, 3H] of a matrix that has those of the first head, then those of
  // the second, ...: what it gives is put in order, which costs less than putting the matrix.
  at::Tensor StackedByHead(const StageInput& in) const {
    const at::Tensor none;
    const int64_t heads = config().heads, width = config().hidden_size / heads;
    const at::Tensor stacked = Linear(in.hidden, in.weights()[kContentWeight], none);
    return stacked.view({-1, heads, 3, width}).permute({0, 2, 1, 3}).reshape(stacked.sizes());
  }

  // [3H]; keys have none.
  at::Tensor StackedBias(const StageInput& in) const {
    const at::Tensor& bias = in.weights()[kContentBias];  // [2H]
    const int64_t hidden = config().hidden_size;
    return at::cat({bias.narrow(0, 0, hidden), at::zeros({hidden}, bias.options()),
                    bias.narrow(0, hidden, hidden)});
  }

  at::Tensor RunConvolution(const StageInput& in, const at::Tensor& hidden) const {
    const at::Tensor* w = &in.weights()[convolution_slot()];
    const at::Tensor none;
    const Segments& segments = in.batch.segments;
    const at::Tensor convolved =
        Dropout(Convolve(in.hidden, w[0], w[1], segments, parts_.convolution.groups), segments,
                in.dropout(parts_.layer.hidden_dropout, kConvolution));
    return LayerNorm(
        at::add(hidden, BiasActivation(convolved, none, parts_.convolution.activation)), w[2], w[3],
        parts_.norm_eps);
  }

  const Disentangled parts_;
};

}  // namespace

std::unique_ptr<const Architecture> DisentangledArchitecture(EncoderConfig config,
                                                             HeadLayouts heads,
                                                             Disentangled parts) {
  return std::make_unique<DisentangledEncoder>(std::move(config), std::move(heads),
                                               std::move(parts));
}

}  // namespace graft
