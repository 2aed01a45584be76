// Bootstrap intervals for metrics that depend on counts alone.
#ifndef GRAFT_TASKS_BOOTSTRAP_H_
#define GRAFT_TASKS_BOOTSTRAP_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// Uniform 64-bit numbers: number i is a hash of seed, stream and i (SplitMix64, Steele, Lea and
// Flood 2014, figure 15), the same on every machine. One thread.
class CounterRandom {
 public:
  CounterRandom(uint64_t seed, uint64_t stream);
  uint64_t Next();

 private:
  uint64_t state_;
};

// The number of successes among `draws` independent ones of probability numerator / denominator;
// 0 <= numerator <= denominator, 0 < denominator < 2^62. Exact, in integers: every draw compares a
// uniform number with the probability bit by bit, from the highest on, and all draws that are still
// undecided take their next bit at once, 64 from each random number. Half of them are decided by
// each bit, so about draws / 32 random numbers are used.
int64_t DrawBinomial(int64_t draws, int64_t numerator, int64_t denominator, CounterRandom& random);

// How often each cell comes when sum(counts) examples are drawn with replacement from cells that
// hold `counts` examples: one resample of the bootstrap. `counts` and `drawn` [K]; sum below 2^62.
void DrawResample(absl::Span<const int64_t> counts, CounterRandom& random,
                  absl::Span<int64_t> drawn);

// The q-quantile of `sorted`, not empty, interpolated linearly between the neighbours (type 7 of
// Hyndman and Fan 1996, numpy's default); q in [0, 1].
double Quantile(absl::Span<const double> sorted, double q);

}  // namespace graft

#endif  // GRAFT_TASKS_BOOTSTRAP_H_
