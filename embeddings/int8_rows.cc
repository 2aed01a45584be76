#include "embeddings/int8_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/for_tasks.h"
#include "embeddings/scores.h"

namespace graft {
namespace {

constexpr int64_t kBlocksPerTask = 1024;
// What rounding in float and double adds to bounds that are sums of few terms.
constexpr float kSlack = 1.0f + 1e-5f;

// The query in 15 bits or fewer: sums of products with codes fit in 32 bits.
struct QuantizedQuery {
  std::vector<int16_t> codes;
  float scale = 0;
  float error = 0;  // length of what is left
};

QuantizedQuery Quantize(absl::Span<const float> query, int64_t pairs) {
  QuantizedQuery result;
  result.codes.resize(static_cast<size_t>(2 * pairs));
  float largest = 0;
  for (const float value : query) largest = std::max(largest, std::abs(value));
  const double most =
      std::min(32767.0, std::floor(2147483647.0 / (127.0 * 2 * static_cast<double>(pairs))));
  if (largest == 0) return result;
  result.scale = static_cast<float>(largest / most);
  double left = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const double code =
        std::clamp(std::nearbyint(query[i] / static_cast<double>(result.scale)), -most, most);
    result.codes[i] = static_cast<int16_t>(code);
    const double rest = query[i] - code * result.scale;
    left += rest * rest;
  }
  result.error = static_cast<float>(std::sqrt(left)) * kSlack;
  return result;
}

}  // namespace

Int8Rows::Int8Rows(const VectorMatrix& matrix, absl::Span<const float> weights, int64_t threads)
    : rows_(matrix.rows), width_(matrix.width), pairs_((matrix.width + 1) / 2) {
  const int64_t blocks = (rows_ + kBlockRows - 1) / kBlockRows;
  codes_.resize(static_cast<size_t>(blocks * pairs_ * 2 * kBlockRows));
  scales_.resize(static_cast<size_t>(blocks * kBlockRows));
  errors_.resize(static_cast<size_t>(blocks));
  const int64_t tasks = (blocks + kBlocksPerTask - 1) / kBlocksPerTask;
  std::vector<float> longest(static_cast<size_t>(tasks));
  ForTasks(threads, tasks, width_, [&](int64_t task, float* scratch) {
    const int64_t end = std::min(rows_, (task + 1) * kBlocksPerTask * kBlockRows);
    double most = 0;
    for (int64_t row = task * kBlocksPerTask * kBlockRows; row < end; ++row) {
      const float* const from = matrix.Floats(row, row + 1, scratch);
      const double weight = weights[static_cast<size_t>(row)];
      double largest = 0;
      bool finite = true;
      for (int64_t i = 0; i < width_; ++i) {
        largest = std::max(largest, std::abs(from[i] * weight));
        finite &= std::isfinite(from[i]);
      }
      // A row of a damaged folder has no score.
      const auto scale =
          finite ? static_cast<float>(largest / 127) : std::numeric_limits<float>::quiet_NaN();
      const int64_t block = row / kBlockRows;
      int8_t* const out = codes_.data() + block * pairs_ * 2 * kBlockRows + 2 * (row % kBlockRows);
      double left = 0, length = 0;
      for (int64_t i = 0; i < width_; ++i) {
        const double value = from[i] * weight;
        const double code =
            scale > 0 ? std::clamp(std::nearbyint(value / scale), -127.0, 127.0) : 0;
        out[(i / 2) * 2 * kBlockRows + i % 2] = static_cast<int8_t>(code);
        left += (value - code * scale) * (value - code * scale);
        length += code * scale * code * scale;
      }
      scales_[static_cast<size_t>(row)] = scale;
      float& error = errors_[static_cast<size_t>(block)];
      error = std::max(error, static_cast<float>(std::sqrt(left)) * kSlack);
      most = std::max(most, std::sqrt(length));
    }
    longest[static_cast<size_t>(task)] = static_cast<float>(most) * kSlack;
  });
  for (const float length : longest) longest_ = std::max(longest_, length);
}

void Int8Rows::Scan(absl::Span<const float> query, int64_t begin, int64_t end,
                    absl::Span<const int64_t> excluded, Candidates& candidates) const {
  const QuantizedQuery quantized = Quantize(query, pairs_);
  // |q . r - s t c . d| <= |q| |r - s c| + |q - t d| |s c|, and the product is rounded three times.
  const float common = (quantized.error + 0x1p-21f) * longest_;
  constexpr int64_t kStep = 4;  // blocks of each run
  alignas(64) std::array<float, kRuns * kStep * kBlockRows> scores;
  std::array<bool, kRuns * kStep> found;
  const auto take = [&](int64_t block, const float* of_block) {
    const float error = errors_[static_cast<size_t>(block)] + common;
    const int64_t first = block * kBlockRows, rows = std::min(end, first + kBlockRows) - first;
    for (int64_t i = 0; i < rows; ++i) {
      // Not for a NaN.
      if (!(of_block[i] + error >= candidates.threshold()) || IsAmong(excluded, first + i)) {
        continue;
      }
      candidates.Add(first + i, of_block[i], error);
    }
  };
  const auto score = [&](BlockRuns& runs, size_t run, int64_t block) {
    runs.codes[run] = codes_.data() + block * pairs_ * 2 * kBlockRows;
    runs.scales[run] = scales_.data() + block * kBlockRows;
    runs.errors[run] = errors_.data() + block;
  };
  const int64_t first_block = begin / kBlockRows;
  const int64_t end_block = (end + kBlockRows - 1) / kBlockRows;
  const int64_t run_blocks = (end_block - first_block) / kRuns;
  // The blocks that are left after the runs are runs of one block, the same several times.
  const int64_t rest = first_block + kRuns * run_blocks;
  for (int64_t at = 0; at < run_blocks; at += kStep) {
    BlockRuns runs = {{}, {}, {}, std::min(kStep, run_blocks - at), pairs_};
    for (size_t run = 0; run < kRuns; ++run) {
      score(runs, run, first_block + static_cast<int64_t>(run) * run_blocks + at);
    }
    if (!ScoreBlocks(quantized.codes.data(), quantized.scale, runs, candidates.LeastScore(common),
                     scores.data(), found.data())) {
      continue;
    }
    for (int64_t i = 0; i < kRuns * runs.count; ++i) {
      if (!found[static_cast<size_t>(i)]) continue;
      take(first_block + i / runs.count * run_blocks + at + i % runs.count,
           scores.data() + i * kBlockRows);
    }
  }
  for (int64_t block = rest; block < end_block; ++block) {
    BlockRuns runs = {{}, {}, {}, 1, pairs_};
    for (size_t run = 0; run < kRuns; ++run) score(runs, run, block);
    ScoreBlocks(quantized.codes.data(), quantized.scale, runs, candidates.LeastScore(common),
                scores.data(), found.data());
    if (found[0]) take(block, scores.data());
  }
}

}  // namespace graft
