#include "tasks/bootstrap.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;

uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// The number of ones among `bits` random bits.
int64_t CountOnes(int64_t bits, CounterRandom& random) {
  int64_t ones = 0;
  for (; bits >= 64; bits -= 64) ones += std::popcount(random.Next());
  if (bits > 0) ones += std::popcount(random.Next() >> (64 - bits));
  return ones;
}

// `draws` over the cells [begin, end), whose counts sum to `sum`: halved until one cell is left.
void Distribute(absl::Span<const int64_t> counts, int64_t sum, int64_t draws, CounterRandom& random,
                absl::Span<int64_t> drawn) {
  if (counts.size() == 1) {
    drawn[0] = draws;
    return;
  }
  if (draws == 0) {
    std::fill(drawn.begin(), drawn.end(), 0);
    return;
  }
  const size_t middle = counts.size() / 2;
  int64_t left_sum = 0;
  for (size_t i = 0; i < middle; ++i) left_sum += counts[i];
  const int64_t left = DrawBinomial(draws, left_sum, sum, random);
  Distribute(counts.first(middle), left_sum, left, random, drawn.first(middle));
  Distribute(counts.subspan(middle), sum - left_sum, draws - left, random, drawn.subspan(middle));
}

}  // namespace

CounterRandom::CounterRandom(uint64_t seed, uint64_t stream)
    : state_(Mix(Mix(seed + kGolden) + stream * kGolden)) {}

uint64_t CounterRandom::Next() {
  state_ += kGolden;
  return Mix(state_);
}

int64_t DrawBinomial(int64_t draws, int64_t numerator, int64_t denominator, CounterRandom& random) {
  ABSL_CHECK(0 <= numerator && numerator <= denominator && 0 < denominator);
  if (numerator == denominator) return draws;
  int64_t successes = 0;
  // `rest` / denominator is what is left of the probability behind the bits taken so far. With 0
  // left, no undecided draw can be below it any more.
  for (int64_t rest = numerator, undecided = draws; rest > 0 && undecided > 0;) {
    rest *= 2;
    const int64_t ones = CountOnes(undecided, random);
    if (rest >= denominator) {
      rest -= denominator;
      successes += undecided - ones;
      undecided = ones;
    } else {
      undecided -= ones;
    }
  }
  return successes;
}

void DrawResample(absl::Span<const int64_t> counts, CounterRandom& random,
                  absl::Span<int64_t> drawn) {
  ABSL_CHECK(!counts.empty() && counts.size() == drawn.size());
  int64_t sum = 0;
  for (const int64_t count : counts) sum += count;
  Distribute(counts, sum, sum, random, drawn);
}

double Quantile(absl::Span<const double> sorted, double q) {
  ABSL_CHECK(!sorted.empty() && q >= 0 && q <= 1);
  const double place = static_cast<double>(sorted.size() - 1) * q;
  const size_t below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

}  // namespace graft
