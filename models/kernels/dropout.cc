#include "models/kernels/dropout.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"
#include "models/kernels/text_dropout.h"

namespace graft {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(product1),
        static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(product0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return counter;
}

namespace plain {

void DropoutScales(const TextDropout& dropout, uint64_t first, int64_t count, float* scales) {
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t element = first + static_cast<uint64_t>(i);
    const uint32_t block = static_cast<uint32_t>(element / 4);
    const uint32_t word =
        Philox({block, dropout.text, dropout.site, dropout.step}, dropout.seed)[element % 4];
    scales[i] = word >= dropout.threshold ? dropout.scale : 0.0f;
  }
}

}  // namespace plain

namespace {

// Multiplies `count` elements by their scales, a bounded piece of scales at a time.
void DropElements(const TextDropout& dropout, uint64_t first, int64_t count, const float* x,
                  float* y) {
  constexpr int64_t kPiece = 1024;
  alignas(64) float scales[kPiece];
  for (int64_t done = 0; done < count; done += kPiece) {
    const int64_t piece = std::min(kPiece, count - done);
    simd::DropoutScales(dropout, first + static_cast<uint64_t>(done), piece, scales);
    for (int64_t i = 0; i < piece; ++i) y[done + i] = x[done + i] * scales[i];
  }
}

// Rows of a text that lie next to each other, as one run of elements.
void DropRows(const at::Tensor& x, const Segments& segments, const DropoutKey& key, at::Tensor& y) {
  const int64_t width = x.size(1), texts = segments.texts();
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  const int32_t* text_ids = segments.text_ids.const_data_ptr<int32_t>();
  const float* source = x.const_data_ptr<float>();
  float* target = y.mutable_data_ptr<float>();
  ParallelFor(segments.tokens, RowGrain(width), [&](int64_t begin, int64_t end) {
    int64_t text = TextOfRow(starts, texts, begin);
    for (int64_t row = begin; row < end; ++text) {
      const int64_t last = std::min<int64_t>(end, starts[text + 1]);
      DropElements(ForText(key, text_ids[text]), (row - starts[text]) * width, (last - row) * width,
                   source + row * width, target + row * width);
      row = last;
    }
  });
  std::copy(source + segments.tokens * width, source + x.numel(), target + segments.tokens * width);
}

at::Tensor Drop(const at::Tensor& x, const Segments& segments, const DropoutKey& key,
                bool per_text) {
  at::Tensor y = at::empty_like(x);
  if (!per_text) {
    DropRows(x, segments, key, y);
    return y;
  }
  const int64_t width = x.size(1);
  const int32_t* text_ids = segments.text_ids.const_data_ptr<int32_t>();
  for (int64_t text = 0; text < segments.texts(); ++text) {
    DropElements(ForText(key, text_ids[text]), 0, width, x.const_data_ptr<float>() + text * width,
                 y.mutable_data_ptr<float>() + text * width);
  }
  return y;
}

struct DropoutFunction : torch::autograd::Function<DropoutFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Segments& segments,
                            const DropoutKey& key, bool per_text) {
    Save(context, segments, key);
    context->saved_data["per_text"] = per_text;
    return Drop(x, segments, key, per_text);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor dx = Drop(Upstream(gradients), SavedSegments(context),
                               SavedDropoutKey(context), context->saved_data["per_text"].toBool());
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor CheckedDropout(const at::Tensor& x, const Segments& segments, const DropoutKey& key,
                          bool per_text) {
  if (!key.active()) return x;
  CheckFloats(x, 2, "Dropout");
  CheckSegments(segments, per_text ? segments.tokens : x.size(0));
  TORCH_CHECK(!per_text || x.size(0) == segments.texts(), "DropoutPerText: ", x.size(0),
              " rows for ", segments.texts(), " texts");
  if (RecordsGradient(x)) return DropoutFunction::apply(x.contiguous(), segments, key, per_text);
  return Drop(x.contiguous(), segments, key, per_text);
}

}  // namespace

at::Tensor Dropout(const at::Tensor& x, const Segments& segments, const DropoutKey& key) {
  return CheckedDropout(x, segments, key, false);
}

at::Tensor DropoutPerText(const at::Tensor& x, const Segments& segments, const DropoutKey& key) {
  return CheckedDropout(x, segments, key, true);
}

}  // namespace graft
