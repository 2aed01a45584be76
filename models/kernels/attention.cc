#include "models/kernels/attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"
#include "models/kernels/text_dropout.h"

namespace graft {

namespace plain {
namespace {

float At(const AttentionHead& head, const float* x, const float* bias, int64_t row, int64_t c) {
  return x[row * head.stride + c] + bias[c];
}

// p [tokens] = the softmax of row i.
void SoftmaxRow(const AttentionHead& head, int64_t i, float* p) {
  float largest = -INFINITY;
  for (int64_t j = 0; j < head.tokens; ++j) {
    p[j] = 0;
    for (int64_t c = 0; c < head.width; ++c) {
      p[j] +=
          At(head, head.q, head.q_bias, i, c) * head.scale * At(head, head.k, head.k_bias, j, c);
    }
    largest = std::max(largest, p[j]);
  }
  float sum = 0;
  for (int64_t j = 0; j < head.tokens; ++j) sum += p[j] = std::exp(p[j] - largest);
  for (int64_t j = 0; j < head.tokens; ++j) p[j] /= sum;
}

// Row i of the dropout's scales; 1 without dropout.
void ScalesRow(const AttentionHead& head, int64_t i, float* scales) {
  std::fill_n(scales, head.tokens, 1.0f);
  if (head.dropout == nullptr) return;
  const uint64_t first = head.first_element + static_cast<uint64_t>(i * head.tokens);
  DropoutScales(*head.dropout, first, head.tokens, scales);
}

}  // namespace

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  float *p = scratch, *scales = scratch + head.tokens;
  for (int64_t i = 0; i < head.tokens; ++i) {
    SoftmaxRow(head, i, p);
    ScalesRow(head, i, scales);
    for (int64_t c = 0; c < head.width; ++c) {
      float sum = 0;
      for (int64_t j = 0; j < head.tokens; ++j) {
        sum += p[j] * scales[j] * At(head, head.v, head.v_bias, j, c);
      }
      out[i * out_stride + c] = sum;
    }
  }
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  const int64_t tokens = head.tokens, width = head.width;
  float *p = scratch, *dp = p + tokens, *scales = dp + tokens;
  for (int64_t j = 0; j < tokens; ++j) {
    for (float* target : {dq, dk, dv}) std::fill_n(target + j * head.stride, width, 0.0f);
  }
  for (int64_t i = 0; i < tokens; ++i) {
    SoftmaxRow(head, i, p);
    ScalesRow(head, i, scales);
    float dot = 0;
    for (int64_t j = 0; j < tokens; ++j) {
      dp[j] = 0;
      for (int64_t c = 0; c < width; ++c) {
        const float upstream = dout[i * dout_stride + c];
        dp[j] += upstream * At(head, head.v, head.v_bias, j, c);
        dv[j * head.stride + c] += p[j] * scales[j] * upstream;
      }
      dp[j] *= scales[j];
      dot += p[j] * dp[j];
    }
    for (int64_t j = 0; j < tokens; ++j) {
      const float ds = p[j] * (dp[j] - dot) * head.scale;
      for (int64_t c = 0; c < width; ++c) {
        dq[i * head.stride + c] += ds * At(head, head.k, head.k_bias, j, c);
        dk[j * head.stride + c] += ds * At(head, head.q, head.q_bias, i, c);
      }
    }
  }
}

}  // namespace plain

namespace {

// Heads [first_head, last_head) of one text.
struct Task {
  int64_t text;
  int64_t first_head;
  int64_t last_head;
};

// Long texts first, so that no thread starts one at the end; heads of short texts together, so that
// a task is worth handing out.
std::vector<Task> Tasks(const Segments& segments, int64_t heads, int64_t width) {
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  const auto tokens = [starts](int64_t text) { return starts[text + 1] - starts[text]; };
  std::vector<int64_t> order;
  for (int64_t text = 0; text < segments.texts(); ++text) {
    if (tokens(text) > 0) order.push_back(text);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return tokens(a) > tokens(b); });
  std::vector<Task> tasks;
  for (int64_t text : order) {
    constexpr int64_t kProductsPerTask = 100'000;
    const int64_t products = tokens(text) * tokens(text) * width;
    const int64_t group = std::clamp<int64_t>(kProductsPerTask / products, 1, heads);
    for (int64_t head = 0; head < heads; head += group) {
      tasks.push_back({text, head, std::min(heads, head + group)});
    }
  }
  return tasks;
}

// One call's view of its tensors.
struct Packed {
  at::Tensor qkv;   // [R, 3H]
  at::Tensor bias;  // [3H]
  const Segments& segments;
  int64_t heads;

  int64_t hidden() const { return qkv.size(1) / 3; }
  int64_t width() const { return hidden() / heads; }
  int64_t start(int64_t text) const { return segments.starts.const_data_ptr<int32_t>()[text]; }

  AttentionHead Head(int64_t text, int64_t head, const TextDropout* dropout) const {
    const int64_t tokens = start(text + 1) - start(text);
    const float* x = qkv.const_data_ptr<float>() + start(text) * 3 * hidden() + head * width();
    const float* b = bias.const_data_ptr<float>() + head * width();
    return {.tokens = tokens,
            .width = width(),
            .stride = 3 * hidden(),
            .q = x,
            .k = x + hidden(),
            .v = x + 2 * hidden(),
            .q_bias = b,
            .k_bias = b + hidden(),
            .v_bias = b + 2 * hidden(),
            .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width()))),
            .dropout = dropout,
            .first_element = static_cast<uint64_t>(head * tokens * tokens)};
  }
};

// Calls body(head, head_index, first_row, scratch) for every head of every text.
template <typename Body>
void ForHeads(const Packed& in, const DropoutKey& key, const Body& body) {
  const int32_t* text_ids = in.segments.text_ids.const_data_ptr<int32_t>();
  const std::vector<Task> tasks = Tasks(in.segments, in.heads, in.width());
  const int64_t scratch_floats = AttentionScratch(in.segments.longest, in.width());
  ForTasks(static_cast<int64_t>(tasks.size()), scratch_floats, [&](int64_t i, float* scratch) {
    const Task& task = tasks[i];
    const TextDropout dropout = ForText(key, text_ids[task.text]);
    for (int64_t h = task.first_head; h < task.last_head; ++h) {
      body(in.Head(task.text, h, key.active() ? &dropout : nullptr), h, in.start(task.text),
           scratch);
    }
  });
}

void ZeroTail(at::Tensor& x, int64_t tokens) {
  float* data = x.mutable_data_ptr<float>();
  std::fill(data + tokens * x.size(1), data + x.numel(), 0.0f);
}

at::Tensor Forward(const Packed& in, const DropoutKey& key) {
  const int64_t hidden = in.hidden();
  at::Tensor out = at::empty({in.qkv.size(0), hidden}, in.qkv.options());
  float* target = out.mutable_data_ptr<float>();
  ForHeads(in, key, [&](const AttentionHead& head, int64_t h, int64_t row, float* scratch) {
    simd::Attention(head, scratch, target + row * hidden + h * head.width, hidden);
  });
  ZeroTail(out, in.segments.tokens);
  return out;
}

// [R, 3H]
at::Tensor Backward(const Packed& in, const DropoutKey& key, const at::Tensor& dout) {
  const int64_t hidden = in.hidden();
  at::Tensor dqkv = at::empty_like(in.qkv);
  float* target = dqkv.mutable_data_ptr<float>();
  const float* upstream = dout.const_data_ptr<float>();
  ForHeads(in, key, [&](const AttentionHead& head, int64_t h, int64_t row, float* scratch) {
    float* dq = target + row * head.stride + h * head.width;
    simd::AttentionGradient(head, upstream + row * hidden + h * head.width, hidden, scratch, dq,
                            dq + hidden, dq + 2 * hidden);
  });
  ZeroTail(dqkv, in.segments.tokens);
  return dqkv;
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const at::Tensor& bias,
                            const Segments& segments, int64_t heads, const DropoutKey& key) {
    context->save_for_backward({qkv, bias});
    context->saved_data["heads"] = heads;
    Save(context, segments, key);
    return Forward({qkv, bias, segments, heads}, key);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Segments segments = SavedSegments(context);
    const Packed in = {saved[0], saved[1], segments, context->saved_data["heads"].toInt()};
    const at::Tensor dqkv = Backward(in, SavedDropoutKey(context), Upstream(gradients));
    at::Tensor dbias = SumRows(dqkv, segments.tokens);  // [3H]
    // The keys' bias adds one number to all scores of a row, which softmax takes out again: its
    // gradient is zero, and the sum would be nothing but rounding, which Adam would then blow up to
    // full steps.
    dbias.narrow(0, in.hidden(), in.hidden()).zero_();
    const at::Tensor none;
    return {dqkv, dbias, none, none, none};
  }
};

}  // namespace

at::Tensor Attention(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments,
                     int64_t heads, const AttentionOptions&, const DropoutKey& dropout) {
  CheckFloats(qkv, 2, "Attention");
  CheckFloats(bias, 1, "Attention's bias");
  CheckSegments(segments, qkv.size(0));
  TORCH_CHECK(heads > 0 && qkv.size(1) % (3 * heads) == 0 && bias.size(0) == qkv.size(1),
              "Attention: qkv of width ", qkv.size(1), ", bias of ", bias.size(0), ", ", heads,
              " heads");
  if (RecordsGradient(qkv, bias)) {
    return AttentionFunction::apply(qkv.contiguous(), bias.contiguous(), segments, heads, dropout);
  }
  return Forward({qkv.contiguous(), bias.contiguous(), segments, heads}, dropout);
}

}  // namespace graft
