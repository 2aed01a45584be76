#include "models/families/embeddings.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

constexpr int kDropoutPlace = 0;

}  // namespace

std::vector<SlotLayout> EmbeddingSlots(const EmbeddingsLayout& l) {
  std::vector<SlotLayout> slots;
  const auto add = [&](const std::string& name, std::string_view what, std::vector<int64_t> shape) {
    slots.push_back({{{absl::StrCat(name, ".", what), std::move(shape)}}});
  };
  add(l.word, "weight", {l.vocab_size, l.width});
  if (!l.position.empty()) add(l.position, "weight", {l.positions, l.width});
  if (l.types > 0) add(l.type, "weight", {l.types, l.width});
  for (const char* what : {"weight", "bias"}) {
    add(l.norm, what, {l.width});
    if (l.other_norm.empty()) continue;
    slots.back().parts[0].other_name = absl::StrCat(l.other_norm, ".", what);
  }
  if (!l.projection.empty()) {
    add(l.projection, "weight", {l.hidden_size, l.width});
    add(l.projection, "bias", {l.hidden_size});
  }
  return slots;
}

at::Tensor RunEmbeddings(const EmbeddingsLayout& l, const StageInput& in,
                         const at::Tensor& positions) {
  const std::vector<at::Tensor>& w = in.weights();
  const Batch& batch = in.batch;
  size_t slot = 0;
  const at::Tensor& word = w[slot++];
  const at::Tensor position = l.position.empty() ? at::Tensor() : w[slot++];
  const at::Tensor type = l.types > 0 ? w[slot++] : at::Tensor();
  const at::Tensor &gamma = w[slot++], &beta = w[slot++];
  const at::Tensor sum = EmbeddingSum(batch.ids, positions, batch.type_ids, word, position, type,
                                      batch.segments);  // [R, width]
  const at::Tensor hidden = Dropout(LayerNorm(sum, gamma, beta, l.norm_eps), batch.segments,
                                    in.dropout(l.dropout, kDropoutPlace));
  return l.projection.empty() ? hidden : Linear(hidden, w[slot], w[slot + 1]);  // [R, H]
}

at::Tensor PositionsBehindPadding(const Batch& batch, int64_t padding_id) {
  at::Tensor positions = at::empty_like(batch.positions);
  const int32_t* ids = batch.ids.const_data_ptr<int32_t>();
  const int32_t* starts = batch.segments.starts.const_data_ptr<int32_t>();
  int32_t* out = positions.mutable_data_ptr<int32_t>();
  const auto padding = static_cast<int32_t>(padding_id);
  for (int64_t text = 0; text < batch.segments.texts(); ++text) {
    int32_t counted = 0;
    for (int32_t row = starts[text]; row < starts[text + 1]; ++row) {
      out[row] = ids[row] == padding ? padding : padding + ++counted;
    }
  }
  std::fill(out + batch.segments.tokens, out + positions.numel(), 0);
  return positions;
}

}  // namespace graft
