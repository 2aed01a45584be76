#include "tasks/sentence_pooling.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/kernels/tasks.h"

namespace graft {
namespace {

// The tokens of one text that are pooled; `position` is that of the first, from 0.
struct Tokens {
  const float* hidden;
  int64_t count;
  int64_t position;
};

// Sum of the rows, each times its weight, over `divisor`.
template <typename Weight>
void PoolSum(const Tokens& tokens, int64_t width, double divisor, const Weight& weight,
             float* out) {
  std::vector<double> sums(width);
  for (int64_t t = 0; t < tokens.count; ++t) {
    const float* row = tokens.hidden + t * width;
    const double factor = weight(t);
    for (int64_t c = 0; c < width; ++c) sums[c] += factor * row[c];
  }
  for (int64_t c = 0; c < width; ++c) out[c] = static_cast<float>(sums[c] / divisor);
}

void PoolMax(const Tokens& tokens, int64_t width, float* out) {
  std::copy_n(tokens.hidden, width, out);
  for (int64_t t = 1; t < tokens.count; ++t) {
    const float* row = tokens.hidden + t * width;
    for (int64_t c = 0; c < width; ++c) out[c] = std::max(out[c], row[c]);
  }
}

// Of at least one token.
void PoolTokens(const Tokens& tokens, PoolingMode mode, int64_t width, float* out) {
  const auto count = static_cast<double>(tokens.count);
  const auto one = [](int64_t) { return 1.0; };
  switch (mode) {
    case PoolingMode::kCls:
      std::copy_n(tokens.hidden, width, out);
      return;
    case PoolingMode::kLast:
      std::copy_n(tokens.hidden + (tokens.count - 1) * width, width, out);
      return;
    case PoolingMode::kMax:
      return PoolMax(tokens, width, out);
    case PoolingMode::kMean:
      return PoolSum(tokens, width, count, one, out);
    case PoolingMode::kMeanSqrtLength:
      return PoolSum(tokens, width, std::sqrt(count), one, out);
    case PoolingMode::kWeightedMean: {
      // 1 + position of the token, summed over all tokens.
      const auto first = static_cast<double>(tokens.position + 1);
      const double sum = count * (first + (count - 1) / 2);
      const auto weight = [&](int64_t t) { return first + static_cast<double>(t); };
      return PoolSum(tokens, width, sum, weight, out);
    }
  }
}

}  // namespace

void PoolTexts(const TokenRows& rows, absl::Span<const PoolingMode> modes, int64_t skipped,
               float* out) {
  const int64_t width = rows.width;
  const auto row_width = static_cast<int64_t>(modes.size()) * width;
  ParallelFor(rows.texts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = rows.starts[b], count = rows.starts[b + 1] - first;
      const bool any = count > skipped;
      const int64_t left_out = any ? skipped : 0;
      const Tokens tokens = {rows.hidden + (first + left_out) * width, count - left_out, left_out};
      float* target = out + b * row_width;
      for (const PoolingMode mode : modes) {
        if (any || mode == PoolingMode::kCls) {
          PoolTokens(tokens, mode, width, target);
        } else {
          std::fill_n(target, width, 0.0f);
        }
        target += width;
      }
    }
  });
}

}  // namespace graft
