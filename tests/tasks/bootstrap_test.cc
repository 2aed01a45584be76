#include "tasks/bootstrap.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

std::vector<JsonValue> Items(const JsonValue& array) { return *array.AsArray(); }

std::vector<int64_t> Integers(const JsonValue& array) {
  std::vector<int64_t> integers;
  for (const JsonValue& item : Items(array)) integers.push_back(*item.AsInt(0, 1'000'000));
  return integers;
}

// Intervals in reports rest on it. The golden draws come from Python's integers.
TEST(BootstrapTest, DrawsAreTheSameOnEveryMachine) {
  const auto golden = JsonDocument::Load(GRAFT_SOURCE_DIR "/tests/golden/metrics.json");
  ASSERT_THAT(golden, testing::IsOk());
  const JsonValue draws = *golden->root().Get("draws");
  CounterRandom random(1, 0);
  for (const JsonValue& expected : Items(*draws.Get("random"))) {
    EXPECT_EQ(absl::StrCat(random.Next()), *expected.AsString());
  }
  const std::vector<int64_t> counts = Integers(*draws.Get("counts"));
  const std::vector<JsonValue> samples = Items(*draws.Get("drawn"));
  ASSERT_EQ(samples.size(), 5);
  for (size_t stream = 0; stream < samples.size(); ++stream) {
    std::vector<int64_t> drawn(counts.size());
    CounterRandom own(1, stream);
    DrawResample(counts, own, absl::MakeSpan(drawn));
    EXPECT_EQ(drawn, Integers(samples[stream])) << stream;
  }
}

TEST(BootstrapTest, StreamsAndSeedsDiffer) {
  EXPECT_NE(CounterRandom(1, 0).Next(), CounterRandom(1, 1).Next());
  EXPECT_NE(CounterRandom(1, 0).Next(), CounterRandom(2, 0).Next());
  EXPECT_NE(CounterRandom(0, 1).Next(), CounterRandom(1, 0).Next());
}

// Chi-square of draws of Binomial(7, 3 / 10) against its probabilities.
TEST(BootstrapTest, BinomialDrawsHaveTheBinomialDistribution) {
  constexpr int kDraws = 7, kSamples = 200'000;
  std::vector<int64_t> seen(kDraws + 1);
  CounterRandom random(5, 0);
  for (int i = 0; i < kSamples; ++i) ++seen[DrawBinomial(kDraws, 3, 10, random)];
  double chi_square = 0, choose = 1;
  for (int k = 0; k <= kDraws; ++k) {
    const double expected = kSamples * choose * std::pow(0.3, k) * std::pow(0.7, kDraws - k);
    chi_square += (seen[k] - expected) * (seen[k] - expected) / expected;
    choose = choose * (kDraws - k) / (k + 1);
  }
  EXPECT_LT(chi_square, 24.3);  // 7 degrees of freedom, 0.1 %
}

TEST(BootstrapTest, LargeBinomialDrawsHaveMeanAndVariance) {
  constexpr int64_t kDraws = 10'000;
  constexpr int kSamples = 5'000;
  CounterRandom random(6, 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < kSamples; ++i) {
    const auto drawn = static_cast<double>(DrawBinomial(kDraws, 123, 1000, random));
    sum += drawn;
    squares += drawn * drawn;
  }
  const double mean = sum / kSamples, variance = squares / kSamples - mean * mean;
  const double expected = kDraws * 0.123 * 0.877;
  EXPECT_NEAR(mean, kDraws * 0.123, 4 * std::sqrt(expected / kSamples));
  EXPECT_NEAR(variance / expected, 1, 4 * std::sqrt(2.0 / kSamples));
}

TEST(BootstrapTest, CertainAndImpossibleEventsAreNoChance) {
  CounterRandom random(1, 0);
  EXPECT_EQ(DrawBinomial(1000, 0, 7, random), 0);
  EXPECT_EQ(DrawBinomial(1000, 7, 7, random), 1000);
  EXPECT_EQ(DrawBinomial(0, 3, 7, random), 0);
}

TEST(BootstrapTest, ResamplesKeepTheSumAndNeverFillAnEmptyCell) {
  const std::vector<int64_t> counts = {3, 0, 900, 41, 0, 56, 1};
  std::vector<int64_t> drawn(counts.size()), total(counts.size());
  constexpr int kSamples = 2'000;
  for (int i = 0; i < kSamples; ++i) {
    CounterRandom random(3, i);
    DrawResample(counts, random, absl::MakeSpan(drawn));
    EXPECT_EQ(std::accumulate(drawn.begin(), drawn.end(), int64_t{0}), 1001);
    for (size_t c = 0; c < counts.size(); ++c) total[c] += drawn[c];
  }
  for (size_t c = 0; c < counts.size(); ++c) {
    EXPECT_NEAR(static_cast<double>(total[c]) / kSamples, counts[c],
                4 * std::sqrt(static_cast<double>(counts[c]) / kSamples))
        << c;
  }
}

TEST(QuantileTest, InterpolatesLikeNumPy) {
  const std::vector<double> values = {1, 2, 4, 8};
  EXPECT_EQ(Quantile(values, 0), 1);
  EXPECT_EQ(Quantile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.025), 1.075);
  EXPECT_EQ(Quantile(values, 1), 8);
  EXPECT_EQ(Quantile({5.0}, 0.3), 5);
}

}  // namespace
}  // namespace graft
