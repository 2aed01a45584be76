// Fine-tuning: the schedule, the optimizer, freezing, determinism, early stopping.
#include "tasks/training.h"

#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "tasks/adamw.h"
#include "tasks/model_folder.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using testing::GoldenFolder;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::SameBits;
using testing::StatusIs;

TEST(LinearSchedule, RisesAndFalls) {
  // transformers.get_linear_schedule_with_warmup(optimizer, 2, 10): factors of steps 0 to 10.
  const std::vector<double> expected = {0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0};
  for (int64_t step = 0; step <= 10; ++step)
    EXPECT_DOUBLE_EQ(LinearSchedule(step, 10, 0.2), expected[step]) << step;
  EXPECT_DOUBLE_EQ(LinearSchedule(0, 10, 0), 1);
  EXPECT_DOUBLE_EQ(LinearSchedule(1, 10, 0.11), 0.5)
      << "warm-up steps round up, as in transformers.Trainer";
}

at::Tensor Parameter(const std::vector<float>& values, bool matrix) {
  at::Tensor tensor = at::tensor(values, at::kFloat);
  if (matrix) tensor = tensor.reshape({1, static_cast<int64_t>(values.size())});
  return tensor.clone().set_requires_grad(true);
}

TEST(AdamW, DecaysMatricesOnly) {
  const at::Tensor matrix = Parameter({1, 2}, true), vector = Parameter({1, 2}, false);
  matrix.mutable_grad() = at::tensor({0.f, 0.f}, at::kFloat).reshape({1, 2});
  vector.mutable_grad() = at::tensor({0.f, 0.f}, at::kFloat);
  AdamW optimizer({matrix, vector}, 0.1);
  EXPECT_EQ(*optimizer.Step(0.5, 1.0), 0);
  EXPECT_FLOAT_EQ(matrix.data_ptr<float>()[1], 2 * (1 - 0.5 * 0.1));
  EXPECT_FLOAT_EQ(vector.data_ptr<float>()[1], 2);
  EXPECT_FALSE(matrix.grad().defined()) << "a step clears the gradients";
}

// Two steps, because the first has the size of the rate whatever the gradients are.
TEST(AdamW, ClipsTheNormOfAllGradients) {
  const at::Tensor a = Parameter({0}, false), b = Parameter({0}, false);
  AdamW optimizer({a, b}, 0);
  const auto step = [&](float grad_a, float grad_b, double clip) {
    a.mutable_grad() = at::tensor({grad_a}, at::kFloat);
    b.mutable_grad() = at::tensor({grad_b}, at::kFloat);
    return *optimizer.Step(0.1, clip);
  };
  // torch 2.11: clip_grad_norm_([a, b], 1.0) and AdamW([a, b], lr=0.1, weight_decay=0).
  EXPECT_DOUBLE_EQ(step(3, 4, 1.0), 5) << "the norm before clipping";
  EXPECT_NEAR(step(0.3f, -0.4f, 1.0), 0.5, 1e-7) << "not scaled up to the limit";
  EXPECT_NEAR(a.data_ptr<float>()[0], -0.19321796, 1e-6);
  EXPECT_NEAR(b.data_ptr<float>()[0], -0.12663369, 1e-6);
}

class TrainTiny : public ::testing::Test {
 protected:
  TrainTiny() : model_(*LoadModel(GoldenFolder("bert-odd"))) {
    at::set_num_threads(1);
    const std::vector<std::pair<std::string_view, int32_t>> rows = {
        {"the film is good", 1}, {"a bright story", 1}, {"dull and slow", 0},
        {"the plot is weak", 0}, {"good music", 1},     {"two hours lost", 0}};
    std::vector<std::string_view> texts;
    for (int copy = 0; copy < 3; ++copy) {
      for (const auto& [text, label] : rows) {
        texts.push_back(text);
        data_.labels.push_back(label);
      }
    }
    data_.texts.tokens = model_.tokenizer->EncodeBatch(texts, {.max_length = 16}, 1);
    options_.batch_size = 5;
    options_.learning_rate = 5e-3;
  }

  struct Trained {
    std::unique_ptr<Backbone> backbone;
    SequenceClassifier head;
    TrainingResult result;
  };

  Trained Train(const std::string& freeze, const TrainingCallbacks& callbacks = {}) const {
    const SequenceClassifierConfig config{.of_family = false,
                                          .layout = LinearHead(Pooling::kMean, 0.1),
                                          .hidden_size = 36,
                                          .classes = 2};
    Trained trained{model_.backbone->Trainable(*FreezePlan::Parse(freeze, 3)),
                    SequenceClassifier::New(config, options_.seed, {}).Trainable(),
                    {}};
    auto result =
        TrainClassifier(*trained.backbone, trained.head, data_, data_, options_, callbacks);
    ABSL_CHECK_OK(result.status());
    trained.result = *std::move(result);
    return trained;
  }

  static std::string StageHash(const Backbone& backbone, int stage) {
    std::string bytes;
    for (const at::Tensor& tensor : backbone.stage(stage).tensors) {
      bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
    }
    return HashBytes(bytes);
  }

  const LoadedModel model_;
  EncodedExamples data_;
  TrainingOptions options_;
};

TEST_F(TrainTiny, FrozenStagesDoNotMoveAndTheOthersDo) {
  std::vector<std::string> before;
  for (int s = 0; s < 4; ++s) before.push_back(StageHash(*model_.backbone, s));
  for (const std::string freeze : {"none", "embeddings", "1", "2", "all"}) {
    const int frozen = FreezePlan::Parse(freeze, 3)->frozen_stages();
    const Trained trained = Train(freeze);
    for (int s = 0; s < 4; ++s) {
      EXPECT_EQ(StageHash(*trained.backbone, s) == before[s], s < frozen)
          << "freeze " << freeze << " stage " << s;
      EXPECT_EQ(StageHash(*model_.backbone, s), before[s]) << "the shared encoder never moves";
    }
    size_t slots = 0;
    for (int s = frozen; s < 4; ++s) slots += trained.backbone->stage(s).tensors.size();
    EXPECT_EQ(trained.backbone->TrainableTensors().size(), slots);
    EXPECT_EQ(trained.result.optimizer_tensors, slots + trained.head.tensors().size())
        << "the optimizer holds state for what trains and nothing else";
  }
}

TEST_F(TrainTiny, LearnsItsTrainingTexts) {
  options_.epochs = 20;
  const Trained trained = Train("1");
  EXPECT_EQ(trained.result.evaluations.size(), 20u);
  EXPECT_GE(trained.result.evaluations[trained.result.best].accuracy, 0.9);
  EXPECT_LT(trained.result.evaluations.back().train_loss,
            trained.result.evaluations.front().train_loss);
}

TEST_F(TrainTiny, SameSeedGivesTheSameBits) {
  const Trained a = Train("none"), b = Train("none");
  for (int s = 0; s < 4; ++s) EXPECT_EQ(StageHash(*a.backbone, s), StageHash(*b.backbone, s));
  options_.seed = 2;
  const Trained c = Train("none");
  EXPECT_NE(StageHash(*a.backbone, 3), StageHash(*c.backbone, 3));
}

TEST_F(TrainTiny, SplittingStepsIntoPartsChangesOnlyRounding) {
  const Trained whole = Train("none");
  options_.part_tokens = 7;
  const Trained parts = Train("none");
  ASSERT_EQ(whole.result.steps, parts.result.steps);
  const auto tensors = whole.backbone->TrainableTensors(),
             others = parts.backbone->TrainableTensors();
  for (size_t i = 0; i < tensors.size(); ++i)
    EXPECT_LE(testing::MaxDifference(tensors[i], others[i]), 2e-3) << i;
  EXPECT_NEAR(whole.result.evaluations.back().dev_loss, parts.result.evaluations.back().dev_loss,
              1e-3);
}

TEST_F(TrainTiny, StepsAndEvaluationsFollowTheOptions) {
  EXPECT_EQ(CountSteps(options_, 18), 3 * 4)
      << "the last batch of an epoch is smaller, not dropped";
  options_.max_steps = 7;
  options_.eval_every = 3;
  std::vector<int64_t> evaluated;
  TrainingCallbacks callbacks;
  callbacks.on_evaluation = [&](const EvaluationReport& report) {
    evaluated.push_back(report.step);
  };
  const Trained trained = Train("all", callbacks);
  EXPECT_EQ(trained.result.steps, 7);
  EXPECT_THAT(evaluated, ::testing::ElementsAre(3, 6, 7));
}

TEST_F(TrainTiny, StopEndsAfterTheStepWithAnEvaluation) {
  TrainingCallbacks callbacks;
  int steps = 0, saved = 0;
  callbacks.on_step = [&](const StepReport&) { ++steps; };
  callbacks.stop = [&] { return steps == 2; };
  callbacks.save_best = [&](const Backbone&, const SequenceClassifier&) {
    ++saved;
    return absl::OkStatus();
  };
  const Trained trained = Train("all", callbacks);
  EXPECT_TRUE(trained.result.stopped);
  EXPECT_EQ(trained.result.steps, 2);
  EXPECT_EQ(saved, 1);
}

TEST_F(TrainTiny, ALossThatIsNoNumberEndsTheRun) {
  options_.learning_rate = 10;
  options_.weight_decay = 10;
  options_.epochs = 200;
  options_.clip = 0;
  const auto backbone = model_.backbone->Trainable(FreezePlan());
  const SequenceClassifierConfig config{.of_family = false,
                                        .layout = LinearHead(Pooling::kMean, 0.1),
                                        .hidden_size = 36,
                                        .classes = 2};
  const SequenceClassifier head = SequenceClassifier::New(config, 1, {}).Trainable();
  const auto result = TrainClassifier(*backbone, head, data_, data_, options_, {});
  EXPECT_THAT(result.status(), StatusIs(absl::StatusCode::kInternal, HasSubstr("finite")));
}

TEST_F(TrainTiny, WeightsOfTheLastLayerStayWithinTheirLength) {
  const auto longest = [&](double max_norm) {
    options_.max_norm = max_norm;
    const Trained trained = Train("all", {});
    return trained.head.last_weight().norm(2, 1).max().item<double>();
  };
  const double free = longest(0);
  EXPECT_GT(free, 0.1);
  EXPECT_NEAR(longest(free / 2), free / 2, 1e-5);
  EXPECT_EQ(longest(2 * free), free);
}

TEST_F(TrainTiny, AnErrorOfSavingEndsTheRun) {
  TrainingCallbacks callbacks;
  callbacks.save_best = [](const Backbone&, const SequenceClassifier&) {
    return absl::ResourceExhaustedError("out: no space");
  };
  const auto backbone = model_.backbone->Trainable(*FreezePlan::Parse("all", 3));
  const SequenceClassifierConfig config{.of_family = false,
                                        .layout = LinearHead(Pooling::kMean, 0.1),
                                        .hidden_size = 36,
                                        .classes = 2};
  const auto result = TrainClassifier(*backbone, SequenceClassifier::New(config, 1, {}).Trainable(),
                                      data_, data_, options_, callbacks);
  EXPECT_THAT(result.status(), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace graft
