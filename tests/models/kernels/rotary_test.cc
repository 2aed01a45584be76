#include "models/kernels/rotary.h"

#include <utility>

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

at::Tensor Turn(at::Tensor qkv, const at::Tensor& bias, const at::Tensor& positions,
                const RotaryTables& tables, int64_t heads) {
  return Rotate(std::move(qkv), bias, positions, tables.cosine, tables.sine, heads);
}

constexpr int64_t kRows = 100, kPositions = 40;

struct Case {
  int64_t heads, width, turned;  // A, d, r
  bool biased;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {{1, 2, 2, true},    {3, 4, 4, true},    {2, 10, 6, false},
                                          {12, 64, 64, true}, {5, 34, 34, false}, {2, 7, 2, true}};
  return cases;
}

// Element by element as the paper has it, in double precision.
at::Tensor Definition(const at::Tensor& qkv, const at::Tensor& positions,
                      const RotaryTables& tables, const Case& c) {
  const auto at_positions = [&](const at::Tensor& table) {
    return table.to(at::kDouble).index_select(0, positions).view({-1, 1, c.turned / 2});
  };
  const at::Tensor cosine = at_positions(tables.cosine), sine = at_positions(tables.sine);
  const at::Tensor x = qkv.view({kRows, 3 * c.heads, c.width});
  const at::Tensor turned = x.narrow(1, 0, 2 * c.heads);
  const int64_t pairs = c.turned / 2;
  const at::Tensor a = turned.narrow(2, 0, pairs), b = turned.narrow(2, pairs, pairs);
  const at::Tensor rest = turned.narrow(2, c.turned, c.width - c.turned);
  const at::Tensor first = a * cosine - b * sine, second = b * cosine + a * sine;
  const at::Tensor both = at::cat({first, second, rest}, 2);
  return at::cat({both, x.narrow(1, 2 * c.heads, c.heads)}, 1).view(qkv.sizes());
}

at::Tensor SomePositions() { return at::randint(kPositions, {kRows}, at::kInt); }

RotaryTables TablesOf(const Case& c) {
  return MakeRotaryTables(RotaryFrequencies(10000, 1, c.turned), kPositions);
}

TEST(RotateTest, ValuesAndGradientsEqualTheDefinitionInDouble) {
  at::manual_seed(7);
  for (const Case& c : Cases()) {
    const int64_t columns = 3 * c.heads * c.width;
    const at::Tensor qkv = Leaf(Random({kRows, columns})), qkv64 = DoubleLeaf(qkv);
    const at::Tensor bias = Leaf(Random({columns})), bias64 = DoubleLeaf(bias);
    const at::Tensor positions = SomePositions(), weights = Random({kRows, columns});
    const RotaryTables tables = TablesOf(c);
    const at::Tensor y = Turn(qkv, c.biased ? bias : at::Tensor(), positions, tables, c.heads);
    const at::Tensor y64 = Definition(c.biased ? qkv64 + bias64 : qkv64, positions, tables, c);
    y.backward(weights);
    y64.backward(weights.to(at::kDouble));
    EXPECT_LT(MaxDifference(y, y64), 1e-6);
    EXPECT_LT(MaxDifference(qkv.grad(), qkv64.grad()), 1e-6);
    if (c.biased) EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 2e-5);
  }
}

TEST(RotateTest, WithAndWithoutGradientsTheBitsAreTheSame) {
  const Case c = {3, 10, 6, true};
  const at::Tensor qkv = Random({kRows, 90}), bias = Random({90}), positions = SomePositions();
  const at::Tensor recorded = Turn(Leaf(qkv), bias, positions, TablesOf(c), c.heads);
  EXPECT_TRUE(
      SameBits(recorded.detach(), Turn(qkv.clone(), bias, positions, TablesOf(c), c.heads)));
}

TEST(RotateTest, TheGradientOfTheBiasHasTheSameBitsForEveryNumberOfThreads) {
  const Case c = {3, 32, 32, true};
  const at::Tensor qkv = Random({kRows, 288}), dy = Random({kRows, 288});
  const at::Tensor positions = SomePositions();
  at::Tensor first;
  WithThreads([&] {
    const at::Tensor bias = Leaf(at::ones({288}));
    Turn(qkv, bias, positions, TablesOf(c), c.heads).backward(dy);
    if (!first.defined()) first = bias.grad();
    EXPECT_TRUE(SameBits(first, bias.grad()));
  });
}

TEST(RotateTest, WithoutGradientsTheMemoryIsReusedAndWithThemTheInputStays) {
  const Case c = {2, 8, 8, true};
  const at::Tensor qkv = Random({kRows, 48}), before = qkv.clone(), positions = SomePositions();
  Turn(qkv, Leaf(Random({48})), positions, TablesOf(c), c.heads);
  EXPECT_TRUE(SameBits(qkv, before));
  EXPECT_EQ(Turn(qkv, {}, positions, TablesOf(c), c.heads).const_data_ptr(), qkv.const_data_ptr());
}

TEST(RotateTest, PositionZeroChangesNothing) {
  const Case c = {2, 8, 8, false};
  const at::Tensor qkv = Random({kRows, 48});
  EXPECT_TRUE(SameBits(qkv, Turn(qkv.clone(), {}, at::zeros({kRows}, at::kInt), TablesOf(c), 2)));
}

TEST(RotateTest, WhatDoesNotFitIsABug) {
  const Case c = {2, 8, 8, false};
  const at::Tensor qkv = Random({kRows, 48}), positions = SomePositions();
  const RotaryTables tables = TablesOf(c);
  EXPECT_THROW(Turn(Random({kRows, 47}), {}, positions, tables, 2), c10::Error);
  EXPECT_THROW(Turn(qkv, {}, positions, tables, 4), c10::Error) << "more pairs than a head has";
  EXPECT_THROW(Turn(qkv, Random({47}), positions, tables, 2), c10::Error);
  EXPECT_THROW(Turn(qkv, {}, positions.narrow(0, 0, 5), tables, 2), c10::Error);
  EXPECT_THROW(Turn(qkv, {}, positions.to(at::kLong), tables, 2), c10::Error);
  for (const int bad : {-1, static_cast<int>(kPositions)}) {
    at::Tensor wrong = positions.clone();
    wrong[kRows - 1] = bad;
    EXPECT_THROW(Turn(qkv, {}, wrong, tables, 2), c10::Error);
  }
  EXPECT_THROW(RotaryFrequencies(10000, 1, 3), c10::Error);
}

TEST(RotaryTablesTest, HoldCosinesAndSinesOfTheAngles) {
  const int64_t positions = 9000, width = 64;
  const at::Tensor frequencies = RotaryFrequencies(160000, 1, width);
  const at::Tensor exact = at::pow(160000, at::arange(0, width, 2, at::kDouble).div(width).neg());
  EXPECT_LT(MaxDifference(frequencies / exact.to(at::kFloat), at::ones({width / 2})), 3e-7);
  const RotaryTables tables = MakeRotaryTables(frequencies, positions);
  const at::Tensor angles = at::arange(positions, at::kFloat).unsqueeze(1) * frequencies;
  EXPECT_LT(MaxDifference(tables.cosine, angles.to(at::kDouble).cos()), 1e-7);
  EXPECT_LT(MaxDifference(tables.sine, angles.to(at::kDouble).sin()), 1e-7);
}

TEST(RotaryTablesTest, ARowDoesNotDependOnTheOthers) {
  const at::Tensor frequencies = RotaryFrequencies(1000, 2, 22);
  const RotaryTables whole = MakeRotaryTables(frequencies, 300);
  WithThreads([&] {
    for (const int64_t positions : {1, 7, 300}) {
      const RotaryTables part = MakeRotaryTables(frequencies, positions);
      EXPECT_TRUE(SameBits(part.cosine, whole.cosine.narrow(0, 0, positions)));
      EXPECT_TRUE(SameBits(part.sine, whole.sine.narrow(0, 0, positions)));
    }
  });
}

TEST(RotaryTablesTest, TheDivisorSlowsAllPairs) {
  EXPECT_LT(MaxDifference(RotaryFrequencies(1000, 4, 8) * 4, RotaryFrequencies(1000, 1, 8)), 1e-7);
}

}  // namespace
}  // namespace graft
