// BERT against the golden values of transformers, and the promises of a backbone: equal bits,
// stages, freezing.
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/code_path.h"
#include "models/backbone.h"
#include "models/checkpoint.h"
#include "tests/support/golden_encoder.h"

namespace graft {
namespace {

using testing::AllTexts;
using testing::Expected;
using testing::GoldenFolder;
using testing::GoldenText;
using testing::GoldenTexts;
using testing::MaxDifference;
using testing::PackTexts;
using testing::RowsOf;
using testing::SameBits;

std::unique_ptr<Backbone> LoadGolden(const std::string& name) {
  const auto read = ReadArchitecture(GoldenFolder(name) + "/config.json");
  ABSL_CHECK_OK(read.status());
  auto loaded = LoadTensors(*WeightFiles::OpenFolder(GoldenFolder(name)),
                            BackboneSlots(*read->architecture), read->family->prefix);
  ABSL_CHECK_OK(loaded.status());
  return std::make_unique<Backbone>(*read, std::move(loaded->tensors));
}

class GoldenBert : public ::testing::TestWithParam<std::string> {
 protected:
  // bert-odd has a config without dropout.
  bool HasDropout() const { return backbone_->config().hidden_dropout > 0; }

  const c10::AutoGradMode no_grad_{false};
  const std::vector<GoldenText> texts_ = GoldenTexts(GetParam());
  const std::unique_ptr<Backbone> backbone_ = LoadGolden(GetParam());
};

TEST_P(GoldenBert, EveryStageEqualsTransformers) {
  const Batch batch = PackTexts(texts_, AllTexts(texts_));
  int seen = 0;
  backbone_->Run(
      batch, at::Tensor(), 0, backbone_->stages() - 1, {},
      [&](int stage, const at::Tensor& hidden) {
        for (size_t t = 0; t < texts_.size(); ++t) {
          const at::Tensor expected =
              Expected(GetParam(), absl::StrCat("text", t, ".hidden.", stage));
          EXPECT_LE(MaxDifference(RowsOf(hidden, batch, static_cast<int64_t>(t)), expected), 1e-5)
              << "text " << t << " stage " << stage;
        }
        ++seen;
      });
  EXPECT_EQ(seen, backbone_->stages());
}

TEST_P(GoldenBert, TextHasTheSameBitsInAnyCompany) {
  std::vector<std::vector<size_t>> companies;
  for (size_t t = 0; t < texts_.size(); ++t) companies.push_back({t});
  std::vector<size_t> order = AllTexts(texts_);
  for (size_t turn = 0; turn < texts_.size(); ++turn) {
    std::rotate(order.begin(), order.begin() + 1, order.end());
    companies.push_back(order);
  }
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    std::vector<at::Tensor> alone(texts_.size());
    for (const std::vector<size_t>& company : companies) {
      const Batch batch = PackTexts(texts_, company);
      const at::Tensor hidden = backbone_->Run(batch, PassOptions());
      for (size_t b = 0; b < company.size(); ++b) {
        const at::Tensor rows = RowsOf(hidden, batch, static_cast<int64_t>(b)).clone();
        at::Tensor& first = alone[company[b]];
        if (!first.defined()) first = rows;
        EXPECT_TRUE(SameBits(first, rows))
            << "text " << company[b] << " in a batch of " << company.size();
      }
    }
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST_P(GoldenBert, RangesOfStagesMakeTheWhole) {
  const Batch batch = PackTexts(texts_, AllTexts(texts_));
  const at::Tensor whole = backbone_->Run(batch, PassOptions());
  for (int cut = 0; cut + 1 < backbone_->stages(); ++cut) {
    const at::Tensor lower = backbone_->Run(batch, at::Tensor(), 0, cut, {});
    const at::Tensor upper = backbone_->Run(batch, lower, cut + 1, backbone_->stages() - 1, {});
    EXPECT_TRUE(SameBits(whole, upper)) << "cut above stage " << cut;
  }
}

TEST_P(GoldenBert, TailRowsHaveNoInfluence) {
  Batch batch = PackTexts(texts_, AllTexts(texts_));
  const at::Tensor before = backbone_->Run(batch, PassOptions());
  for (at::Tensor* x : {&batch.ids, &batch.positions, &batch.type_ids}) {
    *x = at::cat({*x, at::full({9}, x == &batch.ids ? 7 : 0, at::kInt)});
  }
  const at::Tensor after = backbone_->Run(batch, PassOptions()).narrow(0, 0, batch.segments.tokens);
  EXPECT_TRUE(SameBits(before, after));
}

TEST_P(GoldenBert, TrainableSharesFrozenStagesAndCopiesTheRest) {
  for (int depth = 0; depth <= backbone_->layers(); ++depth) {
    const auto plan = FreezePlan::Parse(absl::StrCat(depth), backbone_->layers());
    const auto trainable = backbone_->Trainable(*plan);
    for (int s = 0; s < backbone_->stages(); ++s) {
      const bool frozen = s <= depth;
      EXPECT_EQ(&trainable->stage(s) == &backbone_->stage(s), frozen)
          << "stage " << s << " depth " << depth;
      for (size_t i = 0; i < trainable->stage(s).tensors.size(); ++i) {
        const at::Tensor& tensor = trainable->stage(s).tensors[i];
        EXPECT_EQ(tensor.requires_grad(), !frozen);
        EXPECT_EQ(tensor.const_data_ptr() == backbone_->stage(s).tensors[i].const_data_ptr(),
                  frozen);
      }
    }
  }
}

TEST_P(GoldenBert, FrozenStagesRunWithoutGraphAndDropout) {
  const c10::AutoGradMode grad(true);
  const auto plan = FreezePlan::Parse("1", backbone_->layers());
  const auto trainable = backbone_->Trainable(*plan);
  const Batch batch = PackTexts(texts_, AllTexts(texts_));
  const PassOptions train{.train = true, .seed = 3, .step = 1};
  std::vector<at::Tensor> trained, evaluated;
  trainable->Run(batch, at::Tensor(), 0, trainable->stages() - 1, train,
                 [&](int, const at::Tensor& hidden) { trained.push_back(hidden); });
  trainable->Run(batch, at::Tensor(), 0, trainable->stages() - 1, {},
                 [&](int, const at::Tensor& hidden) { evaluated.push_back(hidden); });
  for (int s = 0; s < trainable->stages(); ++s) {
    EXPECT_EQ(trained[s].requires_grad(), s >= 2) << "stage " << s;
    const int64_t tokens = batch.segments.tokens;
    EXPECT_EQ(SameBits(trained[s].narrow(0, 0, tokens), evaluated[s].narrow(0, 0, tokens)),
              s < 2 || !HasDropout())
        << "stage " << s;
  }
}

TEST_P(GoldenBert, DropoutIsAFunctionOfSeedAndStep) {
  const auto trainable = backbone_->Trainable(FreezePlan());
  const Batch batch = PackTexts(texts_, AllTexts(texts_));
  const auto run = [&](uint64_t seed, uint32_t step) {
    return trainable->Run(batch, {.train = true, .seed = seed, .step = step})
        .narrow(0, 0, batch.segments.tokens);
  };
  EXPECT_TRUE(SameBits(run(1, 5), run(1, 5)));
  EXPECT_EQ(SameBits(run(1, 5), run(1, 6)), !HasDropout());
  EXPECT_EQ(SameBits(run(1, 5), run(2, 5)), !HasDropout());
}

INSTANTIATE_TEST_SUITE_P(Encoders, GoldenBert, ::testing::Values("bert-tiny", "bert-odd"),
                         [](const auto& info) {
                           return info.param == "bert-tiny" ? "Tiny" : "Odd";
                         });

}  // namespace
}  // namespace graft
