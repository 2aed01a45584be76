#include <algorithm>
#include <cmath>

#include "models/kernels/loops.h"

namespace graft {
namespace plain {
namespace {

float At(const AttentionHead& head, const float* x, const float* bias, int64_t row, int64_t c) {
  return x[row * head.stride + c] + bias[c];
}

// The keys [first, end) that query i sees.
struct Window {
  int64_t first;
  int64_t end;

  Window(const AttentionHead& head, int64_t i)
      : first(std::max<int64_t>(0, i - head.before)),
        end(std::min(head.tokens, i + 1 + head.after)) {}
};

// What the tables add to the score of query i and key j.
float TableScore(const AttentionHead& head, int64_t i, int64_t j) {
  const int64_t distance = j - i;
  float sum = head.scores == nullptr ? 0.0f : head.scores[distance];
  if (head.keys.zero != nullptr) {
    const float* key = head.keys.zero + distance * head.keys.stride;
    for (int64_t c = 0; c < head.width; ++c) {
      sum += At(head, head.q, head.q_bias, i, c) * head.scale * key[c];
    }
  }
  if (head.queries.zero != nullptr) {
    const float* query = head.queries.zero + distance * head.queries.stride;
    for (int64_t c = 0; c < head.width; ++c) {
      sum += query[c] * At(head, head.k, head.k_bias, j, c);
    }
  }
  return sum;
}

// p[j] = the softmax of row i, for the keys that it sees.
void SoftmaxRow(const AttentionHead& head, int64_t i, float* p) {
  const Window seen(head, i);
  float largest = -INFINITY;
  for (int64_t j = seen.first; j < seen.end; ++j) {
    p[j] = 0;
    for (int64_t c = 0; c < head.width; ++c) {
      p[j] +=
          At(head, head.q, head.q_bias, i, c) * head.scale * At(head, head.k, head.k_bias, j, c);
    }
    if (head.has_tables()) p[j] += TableScore(head, i, j);
    largest = std::max(largest, p[j]);
  }
  float sum = 0;
  for (int64_t j = seen.first; j < seen.end; ++j) sum += p[j] = std::exp(p[j] - largest);
  for (int64_t j = seen.first; j < seen.end; ++j) p[j] /= sum;
}

// Row i of the dropout's scales; 1 without dropout.
void ScalesRow(const AttentionHead& head, int64_t i, float* scales) {
  std::fill_n(scales, head.tokens, 1.0f);
  if (head.dropout == nullptr) return;
  const uint64_t first = head.first_element + static_cast<uint64_t>(i * head.tokens);
  DropoutScales(*head.dropout, first, head.tokens, scales);
}

void ZeroGradients(const AttentionHead& head, const AttentionGradients& g) {
  for (int64_t j = 0; j < head.tokens; ++j) {
    for (float* target : {g.q, g.k, g.v}) std::fill_n(target + j * head.stride, head.width, 0.0f);
  }
  const int64_t distances = head.distances();
  if (head.scores != nullptr) std::fill_n(g.scores, distances, 0.0f);
  for (int64_t m = 0; m < distances; ++m) {
    if (head.keys.zero != nullptr) std::fill_n(g.keys + m * g.table_stride, head.width, 0.0f);
    if (head.queries.zero != nullptr) std::fill_n(g.queries + m * g.table_stride, head.width, 0.0f);
  }
}

// Adds what score (i, j), whose gradient is ds, passes on by the tables.
void AddTableGradients(const AttentionHead& head, int64_t i, int64_t j, float ds,
                       const AttentionGradients& g) {
  const int64_t distance = j - i, m = distance + head.before;
  if (head.scores != nullptr) g.scores[m] += ds;
  if (head.keys.zero != nullptr) {
    const float* key = head.keys.zero + distance * head.keys.stride;
    for (int64_t c = 0; c < head.width; ++c) {
      g.q[i * head.stride + c] += ds * head.scale * key[c];
      g.keys[m * g.table_stride + c] += ds * head.scale * At(head, head.q, head.q_bias, i, c);
    }
  }
  if (head.queries.zero != nullptr) {
    const float* query = head.queries.zero + distance * head.queries.stride;
    for (int64_t c = 0; c < head.width; ++c) {
      g.k[j * head.stride + c] += ds * query[c];
      g.queries[m * g.table_stride + c] += ds * At(head, head.k, head.k_bias, j, c);
    }
  }
}

}  // namespace

// These loops read the tables where they are.
void PackDistances(const DistanceTable&, int64_t, bool, float*) {}

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  float *p = scratch, *scales = scratch + head.tokens;
  for (int64_t i = 0; i < head.tokens; ++i) {
    const Window seen(head, i);
    SoftmaxRow(head, i, p);
    ScalesRow(head, i, scales);
    for (int64_t c = 0; c < head.width; ++c) {
      float sum = 0;
      for (int64_t j = seen.first; j < seen.end; ++j) {
        sum += p[j] * scales[j] * At(head, head.v, head.v_bias, j, c);
      }
      out[i * out_stride + c] = sum;
    }
  }
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, const AttentionGradients& g) {
  const int64_t tokens = head.tokens, width = head.width;
  float *p = scratch, *dp = p + tokens, *scales = dp + tokens;
  ZeroGradients(head, g);
  for (int64_t i = 0; i < tokens; ++i) {
    const Window seen(head, i);
    SoftmaxRow(head, i, p);
    ScalesRow(head, i, scales);
    float dot = 0;
    for (int64_t j = seen.first; j < seen.end; ++j) {
      dp[j] = 0;
      for (int64_t c = 0; c < width; ++c) {
        const float upstream = dout[i * dout_stride + c];
        dp[j] += upstream * At(head, head.v, head.v_bias, j, c);
        g.v[j * head.stride + c] += p[j] * scales[j] * upstream;
      }
      dp[j] *= scales[j];
      dot += p[j] * dp[j];
    }
    for (int64_t j = seen.first; j < seen.end; ++j) {
      const float ds = p[j] * (dp[j] - dot) * head.scale;
      for (int64_t c = 0; c < width; ++c) {
        g.q[i * head.stride + c] += ds * At(head, head.k, head.k_bias, j, c);
        g.k[j * head.stride + c] += ds * At(head, head.q, head.q_bias, i, c);
      }
      if (head.has_tables()) AddTableGradients(head, i, j, p[j] * (dp[j] - dot), g);
    }
  }
}

}  // namespace plain
}  // namespace graft
