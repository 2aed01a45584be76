// A text's logits have the same bits in any company, on every code path and for every number of
// threads: the whole model at real widths, all biases and the pooler's tanh included.
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/strings/str_format.h"
#include "base/code_path.h"
#include "models/backbone.h"
#include "tasks/inference.h"

namespace graft {
namespace {

struct Width {
  int64_t hidden;
  int64_t heads;
  int64_t intermediate;
};

std::vector<at::Tensor> RandomTensors(const std::vector<SlotLayout>& slots) {
  constexpr double kDeviation = 0.1;
  std::vector<at::Tensor> tensors;
  for (const SlotLayout& slot : slots) {
    tensors.push_back(at::randn(slot.shape(), at::kFloat).mul_(kDeviation));
  }
  return tensors;
}

class EqualBits : public ::testing::TestWithParam<Width> {
 protected:
  static constexpr int64_t kVocabulary = 50;

  EqualBits() {
    at::manual_seed(3);
    const auto bert = ParseArchitecture(
        absl::StrFormat(R"({"model_type": "bert", "vocab_size": %d, "hidden_size": %d,
                            "num_attention_heads": %d, "intermediate_size": %d,
                            "num_hidden_layers": 2, "max_position_embeddings": 140})",
                        kVocabulary, GetParam().hidden, GetParam().heads, GetParam().intermediate),
        "config.json");
    ABSL_CHECK_OK(bert.status());
    backbone_ =
        std::make_unique<Backbone>(*bert, RandomTensors(BackboneSlots(*bert->architecture)));
    const SequenceClassifierConfig head = {.layout = *bert->architecture->heads().sequence,
                                           .hidden_size = GetParam().hidden,
                                           .classes = 3};
    head_.emplace(head, RandomTensors(SequenceClassifier::Layout(head)));
  }

  // The texts with these numbers; text i has kLengths[i] tokens.
  static EncodedTexts Texts(const std::vector<int>& order) {
    EncodedBatch batch;
    for (const int text : order) {
      for (int i = 0; i < kLengths[text]; ++i) {
        batch.ids.push_back(static_cast<int32_t>((text * 31 + i * 17) % kVocabulary));
      }
      batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.cut_off.push_back(0);
    }
    return EncodedTexts(std::move(batch));
  }

  std::vector<float> Logits(const std::vector<int>& order) const {
    return ComputeLogits(*backbone_, *head_, Texts(order));
  }

  static constexpr int kTexts = 9;
  static constexpr int kLengths[kTexts] = {25, 1, 60, 7, 2, 131, 16, 48, 3};

  std::unique_ptr<Backbone> backbone_;
  std::optional<SequenceClassifier> head_;
};

TEST_P(EqualBits, ATextHasTheSameLogitsInAnyCompany) {
  // Every text alone, all forwards and backwards, and so many that they make several batches, with
  // more vectors to pool than one thread would take.
  std::vector<int> all(kTexts), many;
  std::iota(all.begin(), all.end(), 0);
  std::vector<int> backwards(all.rbegin(), all.rend());
  for (int copy = 0; copy < 4; ++copy) many.insert(many.end(), backwards.begin(), backwards.end());
  for (int copy = 0; copy < 150; ++copy) many.push_back(copy % 2 == 0 ? 1 : 4);
  const int threads = at::get_num_threads();
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    at::set_num_threads(1);
    std::vector<float> alone;
    for (const int text : all) {
      const std::vector<float> logits = Logits({text});
      alone.insert(alone.end(), logits.begin(), logits.end());
    }
    const std::vector<std::pair<int, std::vector<int>>> companies = {
        {1, all}, {1, backwards}, {3, all}, {3, many}};
    for (const auto& [number, order] : companies) {
      at::set_num_threads(number);
      const std::vector<float> together = Logits(order);
      const auto classes = static_cast<size_t>(head_->config().classes);
      for (size_t i = 0; i < order.size(); ++i) {
        const size_t text = static_cast<size_t>(order[i]);
        EXPECT_EQ(
            std::memcmp(&together[i * classes], &alone[text * classes], classes * sizeof(float)), 0)
            << "text " << text << " at place " << i << " of " << order.size() << ", " << number
            << " threads";
      }
    }
  }
  at::set_num_threads(threads);
  ForceCodePath(SupportedCodePaths().back());
}

// MiniLM's widths, and others that are multiples of no vector.
INSTANTIATE_TEST_SUITE_P(Widths, EqualBits,
                         ::testing::Values(Width{384, 12, 1536}, Width{75, 5, 203}),
                         [](const auto& info) { return std::to_string(info.param.hidden); });

}  // namespace
}  // namespace graft
