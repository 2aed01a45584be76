#include "models/kernels/attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "models/kernels/attention_tables.h"
#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"
#include "models/kernels/text_dropout.h"

namespace graft {

namespace {

// Heads [first_head, last_head) of one text.
struct Task {
  int64_t text;
  int64_t first_head;
  int64_t last_head;
};

// Long texts first, so that no thread starts one at the end; heads of short texts together, so that
// a task is worth handing out.
std::vector<Task> Tasks(const Segments& segments, int64_t heads, int64_t width,
                        const AttentionOptions& options) {
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
    const DistanceRange seen(options, tokens(text));
    const int64_t products = tokens(text) * std::min<int64_t>(tokens(text), seen.count()) * width;
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
  const AttentionOptions& options;  // CheckedOptions

  int64_t hidden() const { return qkv.size(1) / 3; }
  int64_t width() const { return hidden() / heads; }
  int64_t start(int64_t text) const { return segments.starts.const_data_ptr<int32_t>()[text]; }

  AttentionHead Head(int64_t text, int64_t head, const TextDropout* dropout) const {
    const int64_t tokens = start(text + 1) - start(text);
    const DistanceRange seen(options, tokens);
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
            .scale = static_cast<float>(options.scale),
            .before = seen.before,
            .after = seen.after,
            .dropout = dropout,
            .first_element = static_cast<uint64_t>(head * tokens * tokens)};
  }
};

// The view that all passes have: without a bias it is zero.
Packed View(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments, int64_t heads,
            const AttentionOptions& options) {
  const at::Tensor b = bias.defined() ? bias : at::zeros({qkv.size(1)}, qkv.options());
  return {qkv, b, segments, heads, options};
}

// Calls body(head, text, head_index, scratch) for every head of every text.
template <typename Body>
void ForHeads(const Packed& in, const DropoutKey& key, bool gradient, const Body& body) {
  const int32_t* text_ids = in.segments.text_ids.const_data_ptr<int32_t>();
  const int64_t longest = in.segments.longest;
  if (longest == 0) return;
  const AttentionTables tables(in.options, in.heads, in.hidden(), longest, gradient);
  const std::vector<Task> tasks = Tasks(in.segments, in.heads, in.width(), in.options);
  const int64_t scratch_floats = AttentionScratch(longest, in.width(), tables.any());
  ForTasks(static_cast<int64_t>(tasks.size()), scratch_floats, [&](int64_t i, float* scratch) {
    const Task& task = tasks[i];
    const TextDropout dropout = ForText(key, text_ids[task.text]);
    for (int64_t h = task.first_head; h < task.last_head; ++h) {
      AttentionHead head = in.Head(task.text, h, key.active() ? &dropout : nullptr);
      if (tables.any()) tables.Set(h, head);
      body(head, task.text, h, scratch);
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
  ForHeads(in, key, false, [&](const AttentionHead& head, int64_t text, int64_t h, float* scratch) {
    float* rows = target + in.start(text) * hidden + h * head.width;
    simd::Attention(head, scratch, rows, hidden);
  });
  ZeroTail(out, in.segments.tokens);
  return out;
}

// [R, 3H]
at::Tensor Backward(const Packed& in, const DropoutKey& key, const at::Tensor& dout,
                    AttentionTableGradients& tables) {
  const int64_t hidden = in.hidden();
  at::Tensor dqkv = at::empty_like(in.qkv);
  float* target = dqkv.mutable_data_ptr<float>();
  const float* upstream = dout.const_data_ptr<float>();
  ForHeads(in, key, true, [&](const AttentionHead& head, int64_t text, int64_t h, float* scratch) {
    const int64_t row = in.start(text), column = h * head.width;
    float* dq = target + row * head.stride + column;
    AttentionGradients gradients = {.q = dq, .k = dq + hidden, .v = dq + 2 * hidden};
    if (head.has_tables()) tables.Set(text, h, gradients);
    simd::AttentionGradient(head, upstream + row * hidden + column, hidden, scratch, gradients);
  });
  ZeroTail(dqkv, in.segments.tokens);
  return dqkv;
}

void SaveOptions(AutogradContext* context, const AttentionOptions& options) {
  context->saved_data["scale"] = options.scale;
  context->saved_data["before"] = options.before;
  context->saved_data["after"] = options.after;
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  using MaybeTensor = std::optional<at::Tensor>;

  // The tables are those of the options, again: LibTorch records what it gets by itself.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const MaybeTensor& bias, const MaybeTensor&, const MaybeTensor&,
                            const MaybeTensor&, const Segments& segments, int64_t heads,
                            const AttentionOptions& options, const DropoutKey& key) {
    const at::Tensor b = bias.value_or(at::Tensor());
    context->save_for_backward({qkv, b, options.scores, options.keys, options.queries});
    context->saved_data["heads"] = heads;
    SaveOptions(context, options);
    Save(context, segments, key);
    return Forward(View(qkv, b, segments, heads, options), key);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const AttentionOptions options = {.scale = data["scale"].toDouble(),
                                      .before = data["before"].toInt(),
                                      .after = data["after"].toInt(),
                                      .scores = saved[2],
                                      .keys = saved[3],
                                      .queries = saved[4]};
    const Segments segments = SavedSegments(context);
    const Packed in = View(saved[0], saved[1], segments, data["heads"].toInt(), options);
    AttentionTableGradients tables(options, segments, in.heads, in.hidden());
    const at::Tensor dqkv = Backward(in, SavedDropoutKey(context), Upstream(gradients), tables);
    at::Tensor dbias;  // [3H]
    if (saved[1].defined()) {
      dbias = SumRows(dqkv, segments.tokens);
      // The keys' bias adds one number to all scores of a row, which softmax takes out again: its
      // gradient is zero, and the sum would be nothing but rounding, which Adam would then blow up
      // to full steps. What a table of queries adds by it differs from key to key.
      if (!options.queries.defined()) dbias.narrow(0, in.hidden(), in.hidden()).zero_();
    }
    const at::Tensor none;
    return {dqkv, dbias, tables.Scores(), tables.Keys(), tables.Queries(), none, none, none, none};
  }
};

}  // namespace

at::Tensor Attention(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments,
                     int64_t heads, const AttentionOptions& options, const DropoutKey& dropout) {
  CheckFloats(qkv, 2, "Attention");
  CheckSegments(segments, qkv.size(0));
  TORCH_CHECK(heads > 0 && qkv.size(1) % (3 * heads) == 0, "Attention: qkv of width ", qkv.size(1),
              ", ", heads, " heads");
  at::Tensor b;
  if (bias.defined()) {
    CheckFloats(bias, 1, "Attention's bias");
    TORCH_CHECK(bias.size(0) == qkv.size(1), "Attention: qkv of width ", qkv.size(1), ", bias of ",
                bias.size(0));
    b = bias.contiguous();
  }
  const AttentionOptions checked =
      CheckedOptions(options, heads, qkv.size(1) / 3, segments.longest);
  if (RecordsGradient(qkv, bias, checked.scores, checked.keys, checked.queries)) {
    return AttentionFunction::apply(qkv.contiguous(), IfDefined(b), IfDefined(checked.scores),
                                    IfDefined(checked.keys), IfDefined(checked.queries), segments,
                                    heads, checked, dropout);
  }
  return Forward(View(qkv.contiguous(), b, segments, heads, checked), dropout);
}

}  // namespace graft
