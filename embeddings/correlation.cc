#include "embeddings/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace graft {
namespace {

double Mean(absl::Span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

bool AllEqual(absl::Span<const double> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [&](double x) { return x == numbers[0]; });
}

}  // namespace

std::optional<double> Pearson(absl::Span<const double> x, absl::Span<const double> y) {
  if (x.size() < 2 || AllEqual(x) || AllEqual(y)) return std::nullopt;
  const double mean_x = Mean(x), mean_y = Mean(y);
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double length = std::sqrt(xx) * std::sqrt(yy);
  if (!(length > 0)) return std::nullopt;
  return std::clamp(xy / length, -1.0, 1.0);
}

std::vector<double> AverageRanks(absl::Span<const double> numbers) {
  std::vector<size_t> order(numbers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return numbers[a] < numbers[b]; });
  std::vector<double> ranks(numbers.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    ++end;
    while (end < order.size() && numbers[order[end]] == numbers[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin) + 1 + static_cast<double>(end)) / 2;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

std::optional<double> Spearman(absl::Span<const double> x, absl::Span<const double> y) {
  return Pearson(AverageRanks(x), AverageRanks(y));
}

}  // namespace graft
