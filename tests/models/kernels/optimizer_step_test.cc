#include "models/kernels/optimizer_step.h"

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

// torch.optim.AdamW (torch/optim/adamw.py, single tensor) in LibTorch's operations of the given
// type.
struct Reference {
  at::Tensor parameter, first, second;

  void Step(const at::Tensor& gradient, const AdamWOptions& o, int64_t step) {
    parameter.mul_(1 - o.learning_rate * o.weight_decay);
    first.lerp_(gradient, 1 - o.beta1);
    second.mul_(o.beta2).addcmul_(gradient, gradient, 1 - o.beta2);
    const double unbias1 = 1 - std::pow(o.beta1, step), unbias2 = 1 - std::pow(o.beta2, step);
    const at::Tensor denominator = (second.sqrt() / std::sqrt(unbias2)).add_(o.epsilon);
    parameter.addcdiv_(first, denominator, -o.learning_rate / unbias1);
  }
};

TEST(AdamWStepTest, FollowsTorchForManySteps) {
  OnEveryCodePath([&] {
    const at::Tensor parameter = Random({5000}), first = at::zeros({5000});
    const at::Tensor second = at::zeros({5000});
    Reference torch = {parameter.clone(), first.clone(), second.clone()};
    const AdamWOptions options = {.learning_rate = 1e-3, .weight_decay = 0.1};
    for (int64_t step = 1; step <= 50; ++step) {
      const at::Tensor gradient = Random({5000}, 0.01);
      AdamWStep(parameter, gradient, first, second, options, 1.0, step);
      torch.Step(gradient, options, step);
      ASSERT_TRUE(at::allclose(parameter, torch.parameter, 3e-7, 1e-8)) << step;
      ASSERT_TRUE(at::allclose(first, torch.first, 5e-7, 1e-9)) << step;
      ASSERT_TRUE(at::allclose(second, torch.second, 5e-7, 1e-12)) << step;
    }
  });
}

TEST(AdamWStepTest, OneStepIsWithinRoundingOfDoublePrecision) {
  OnEveryCodePath([&] {
    const at::Tensor parameter = Random({999}), gradient = Random({999});
    const at::Tensor first = Random({999}), second = Random({999}).square();
    Reference exact = {parameter.to(at::kDouble), first.to(at::kDouble), second.to(at::kDouble)};
    exact.Step(gradient.to(at::kDouble) * 0.5, {}, 3);
    AdamWStep(parameter, gradient, first, second, {}, 0.5, 3);
    EXPECT_TRUE(at::allclose(parameter.to(at::kDouble), exact.parameter, 1.5e-7, 1e-10));
    EXPECT_TRUE(at::allclose(first.to(at::kDouble), exact.first, 3e-7, 1e-7));
    EXPECT_TRUE(at::allclose(second.to(at::kDouble), exact.second, 3e-7, 1e-10));
  });
}

TEST(AdamWStepTest, RowsStepAsAnyParameterAndTheOthersStay) {
  OnEveryCodePath([&] {
    const at::Tensor rows = at::tensor({4, 0}, at::kLong), gradient = Random({2, 9});
    const std::vector<at::Tensor> before = {Random({6, 9}), Random({6, 9}),
                                            Random({6, 9}).square()};
    const std::vector<at::Tensor> after = {before[0].clone(), before[1].clone(), before[2].clone()};
    AdamWStepOfRows(after[0], rows, gradient, after[1], after[2], {}, 0.5, 3);
    std::vector<at::Tensor> expected;  // of the two rows
    for (const at::Tensor& x : before) expected.push_back(x.index_select(0, rows));
    AdamWStep(expected[0], gradient, expected[1], expected[2], {}, 0.5, 3);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(SameBits(after[i], before[i].index_copy(0, rows, expected[i]))) << i;
    }
  });
}

TEST(AdamWStepTest, TheSameBitsForEveryNumberOfThreads) {
  const at::Tensor start = Random({70001}), gradient = Random({70001});
  at::Tensor expected;
  WithThreads([&] {
    const at::Tensor parameter = start.clone(), first = at::zeros_like(start);
    AdamWStep(parameter, gradient, first, at::zeros_like(start), {}, 1, 1);
    if (!expected.defined()) expected = parameter;
    EXPECT_TRUE(SameBits(parameter, expected));
  });
}

TEST(AdamWStepTest, TensorsOfOtherSizesAreABug) {
  const at::Tensor x = Random({4});
  EXPECT_THROW(AdamWStep(x, Random({5}), x, x, {}, 1, 1), c10::Error);
}

TEST(GlobalNormTest, EqualsTheNormOfAllElementsInDouble) {
  OnEveryCodePath([&] {
    const std::vector<at::Tensor> gradients = {Random({300, 401}), Random({7}), Random({0}),
                                               Random({64, 64}).t(), Random({1}, 1e6)};
    double squares = 0;
    for (const at::Tensor& g : gradients)
      squares += g.to(at::kDouble).square().sum().item<double>();
    EXPECT_NEAR(GlobalNorm(gradients) / std::sqrt(squares), 1, 1e-14);
  });
}

TEST(GlobalNormTest, TheSameBitsForEveryNumberOfThreads) {
  const std::vector<at::Tensor> gradients = {Random({300001}), Random({77})};
  const double expected = GlobalNorm(gradients);
  WithThreads([&] { EXPECT_EQ(GlobalNorm(gradients), expected); });
}

TEST(GlobalNormTest, NoGradientsHaveNormZero) { EXPECT_EQ(GlobalNorm({}), 0); }

}  // namespace
}  // namespace graft
