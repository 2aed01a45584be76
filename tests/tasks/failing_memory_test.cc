// Whatever allocation of a tensor fails, the public functions return a Status.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "models/catch_errors.h"
#include "models/checkpoint.h"
#include "models/kernels/tasks.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"
#include "tasks/training.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using testing::GoldenFolder;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;
using testing::TemporaryFolder;

// LibTorch's allocator, of which one allocation fails as its own do. In place to the end.
class FailingAllocator final : public c10::Allocator {
 public:
  static FailingAllocator& Instance() {
    static auto* const allocator = new FailingAllocator;
    return *allocator;
  }

  // The `number`-th allocation from now on fails; 0: none. Returns the number before.
  int FailAt(int number) {
    count_ = 0;
    return number_.exchange(number);
  }
  bool Failed() const { return number_ > 0 && count_ >= number_; }

  c10::DataPtr allocate(size_t size) override {
    if (++count_ == number_) {
      if (number_ % 2 == 0) throw std::bad_alloc();
      TORCH_CHECK(false, "DefaultCPUAllocator: not enough memory: you tried to allocate ", size,
                  " bytes.");
    }
    return system_->allocate(size);
  }
  c10::DeleterFnPtr raw_deleter() const override { return system_->raw_deleter(); }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }

 private:
  FailingAllocator() : system_(c10::GetDefaultCPUAllocator()) {
    constexpr uint8_t kAboveAll = 100;
    c10::SetCPUAllocator(this, kAboveAll);
  }

  c10::Allocator* const system_;
  std::atomic<int> number_{0};
  std::atomic<int> count_{0};
};

// Runs `body`, which returns a Status, with every allocation failing in turn, until there is none
// left; every `step`-th where there are many.
template <typename Body>
void FailEveryAllocation(const std::string& where, int step, const Body& body) {
  FailingAllocator& allocator = FailingAllocator::Instance();
  int failures = 0;
  for (int number = 1;; number += step) {
    allocator.FailAt(number);
    const absl::Status status = body();
    const bool failed = allocator.Failed();
    allocator.FailAt(0);
    if (!failed) {
      EXPECT_THAT(status, IsOk());
      break;
    }
    ++failures;
    ASSERT_THAT(status,
                StatusIs(absl::StatusCode::kResourceExhausted,
                         AllOf(HasSubstr(where), HasSubstr("memory"), Not(HasSubstr("\n")))))
        << "allocation " << number;
  }
  EXPECT_GT(failures, 1);
}

TEST(FailingMemory, LoadingGivesAStatus) {
  const std::string folder = GoldenFolder("bert-tiny");
  FailEveryAllocation(folder, 1, [&] { return LoadModel(folder).status(); });
  FailEveryAllocation(folder, 1, [&] { return TextClassifier::Load(folder).status(); });
  const auto model = LoadModel(folder);
  const std::string file = folder + "/model.safetensors";
  const auto files = WeightFiles::Open(file);
  FailEveryAllocation(file, 1, [&] {
    return LoadTensors(*files, model->backbone->stage(0).layout, "bert.").status();
  });
}

TEST(FailingMemory, PredictionGivesAStatus) {
  const std::string folder = GoldenFolder("bert-tiny");
  const auto classifier = TextClassifier::Load(folder);
  ASSERT_THAT(classifier, IsOk());
  FailEveryAllocation(folder, 1, [&] {
    return classifier->Predict(std::string_view("the film is good")).status();
  });
}

TEST(FailingMemory, SavingGivesAStatusAndNoFile) {
  const TemporaryFolder folder;
  const std::string file = folder / "model.safetensors";
  // Written in another order than they lie in memory: each is copied.
  const at::Tensor value = testing::IntTensor({1, 2, 3, 4}).to(at::kFloat).reshape({2, 2}).t();
  FailEveryAllocation(file, 1, [&] {
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    return SaveTensors(file, {{"first", value}, {"second", value}});
  });
}

TEST(FailingMemory, TrainingGivesAStatus) {
  const LoadedModel model = *LoadModel(GoldenFolder("bert-odd"));
  const std::vector<std::string_view> texts = {"a bright story", "dull"};
  const EncodedExamples data{.texts = EncodedTexts(model.tokenizer->EncodeBatch(texts, {}, 1)),
                             .labels = {1, 0}};
  TrainingOptions options;
  options.max_steps = 1;
  const SequenceClassifierConfig config{.of_family = false,
                                        .layout = LinearHead(Pooling::kMean, 0.1),
                                        .hidden_size = 36,
                                        .classes = 2};
  FailEveryAllocation("training", 7, [&] {
    // Copies are made without failures: they belong to the caller.
    FailingAllocator& allocator = FailingAllocator::Instance();
    const int number = allocator.FailAt(0);
    const auto backbone = model.backbone->Trainable(FreezePlan());
    const SequenceClassifier head = SequenceClassifier::New(config, 1, {}).Trainable();
    allocator.FailAt(number);
    return TrainClassifier(*backbone, head, data, data, options, {}).status();
  });
}

TEST(FailingMemory, NoScratchForAKernelGivesAStatus) {
  constexpr int64_t kBeyondAllMemory = int64_t{1} << 58;
  const absl::Status status = CatchErrors("here", [] {
    ForTasks(1, kBeyondAllMemory, [](int64_t, float*) {});
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("here: out of")));
}

TEST(CatchErrors, OtherExceptionsAreInternalAndKeepTheirFirstLine) {
  const auto thrown = [](auto error) {
    return CatchErrors("here", [&]() -> absl::Status { throw error; });
  };
  EXPECT_THAT(thrown(std::runtime_error("why")),
              StatusIs(absl::StatusCode::kInternal, std::string("here: why")));
  const auto checked = CatchErrors("here", []() -> absl::Status {
    TORCH_CHECK(false, "one\ntwo");
    return absl::OkStatus();
  });
  EXPECT_THAT(checked,
              StatusIs(absl::StatusCode::kInternal, std::string("here: LibTorch failed: one")));
}

}  // namespace
}  // namespace graft
