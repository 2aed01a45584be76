// The definition of attention, text by text, in LibTorch's own operations, and comparisons with it.
#ifndef GRAFT_TESTS_MODELS_KERNELS_ATTENTION_REFERENCE_H_
#define GRAFT_TESTS_MODELS_KERNELS_ATTENTION_REFERENCE_H_

#include <cmath>
#include <vector>

#include "models/kernels/attention.h"
#include "models/kernels/loops.h"
#include "models/kernels/text_dropout.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {

// The factors of the dropout of one text: [A, T, T].
inline at::Tensor AttentionMask(const DropoutKey& key, int32_t text_id, int64_t heads,
                                int64_t tokens) {
  at::Tensor mask = at::ones({heads, tokens, tokens});
  if (key.active()) {
    plain::DropoutScales(ForText(key, text_id), 0, mask.numel(), mask.mutable_data_ptr<float>());
  }
  return mask.to(at::kDouble);
}

// What all pairs of T tokens find in a table [2M - 1, H] by distance: [A, T, T, d].
inline at::Tensor ByDistance(const at::Tensor& table, const at::Tensor& distances, int64_t heads) {
  const int64_t tokens = distances.size(0), middle = table.size(0) / 2;
  return table.index_select(0, (distances + middle).flatten())
      .view({tokens, tokens, heads, -1})
      .permute({2, 0, 1, 3});
}

// Scores [A, T, T] of queries and keys [A, T, d].
inline at::Tensor ReferenceScores(const at::Tensor& q, const at::Tensor& k,
                                  const AttentionOptions& options) {
  const int64_t heads = q.size(0), tokens = q.size(1);
  const at::Tensor place = at::arange(tokens, at::kLong);
  const at::Tensor distances = place.unsqueeze(0) - place.unsqueeze(1);  // [T, T]
  at::Tensor scores = at::matmul(q, k.transpose(1, 2));
  if (options.keys.defined()) {
    scores = scores + (q.unsqueeze(2) * ByDistance(options.keys, distances, heads)).sum(-1);
  }
  if (options.queries.defined()) {
    scores = scores + (k.unsqueeze(1) * ByDistance(options.queries, distances, heads)).sum(-1);
  }
  scores = scores * (options.scale == 0 ? 1 / std::sqrt(1.0 * q.size(2)) : options.scale);
  if (options.scores.defined()) {
    const int64_t middle = options.scores.size(1) / 2;
    scores = scores + options.scores.index_select(1, (distances + middle).flatten())
                          .view({heads, tokens, tokens});
  }
  const at::Tensor hidden = distances.gt(options.after).logical_or(distances.lt(-options.before));
  return scores.masked_fill(hidden, -INFINITY);
}

inline at::Tensor ReferenceAttention(const at::Tensor& qkv, const at::Tensor& bias,
                                     const Segments& segments, int64_t heads,
                                     const AttentionOptions& options, const DropoutKey& key) {
  const int64_t hidden = qkv.size(1) / 3, width = hidden / heads;
  const int* starts = segments.starts.const_data_ptr<int>();
  std::vector<at::Tensor> rows;
  for (int64_t b = 0; b < segments.texts(); ++b) {
    const int64_t tokens = starts[b + 1] - starts[b];
    const at::Tensor part = qkv.narrow(0, starts[b], tokens);
    const at::Tensor x = (bias.defined() ? part + bias : part)
                             .view({tokens, 3, heads, width})
                             .permute({1, 2, 0, 3});  // [3, A, T, d]
    at::Tensor p = at::softmax(ReferenceScores(x[0], x[1], options), -1);
    p = p * AttentionMask(key, segments.text_ids[b].item<int>(), heads, tokens);
    rows.push_back(at::matmul(p, x[2]).permute({1, 0, 2}).reshape({tokens, hidden}));
  }
  rows.push_back(at::zeros({qkv.size(0) - segments.tokens, hidden}, qkv.options()));
  return at::cat(rows);
}

}  // namespace graft

#endif  // GRAFT_TESTS_MODELS_KERNELS_ATTENTION_REFERENCE_H_
