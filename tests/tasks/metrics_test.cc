#include "tasks/metrics.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

template <typename T>
std::vector<T> Numbers(const JsonValue& value) {
  std::vector<T> numbers;
  const std::vector<JsonValue> items = *value.AsArray();
  for (const JsonValue& item : items) {
    numbers.push_back(static_cast<T>(*item.AsDouble(-1e18, 1e18)));
  }
  return numbers;
}

double Number(const JsonValue& value) { return *value.AsDouble(-1e18, 1e18); }

// A case of golden/metrics.json: its inputs, and the report made of them.
struct Case {
  explicit Case(const JsonValue& golden)
      : name(*golden.GetString("name")),
        classes(static_cast<int>(*golden.GetInt("classes", 1, 100))),
        gold(Numbers<int32_t>(*golden.Get("gold"))),
        predicted(Numbers<int32_t>(*golden.Get("predicted"))),
        probabilities(Numbers<float>(*golden.Get("probabilities"))) {}

  ClassificationReport Report(const BootstrapOptions& options = {}) const {
    const auto report = EvaluateClassification(gold, predicted, probabilities, classes, options);
    EXPECT_THAT(report, testing::IsOk());
    return report.ok() ? *report : ClassificationReport{};
  }

  std::string name;
  int classes;
  std::vector<int32_t> gold, predicted;
  std::vector<float> probabilities;
};

class MetricsGoldenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto golden = JsonDocument::Load(GRAFT_SOURCE_DIR "/tests/golden/metrics.json");
    ASSERT_THAT(golden, testing::IsOk());
    golden_ = std::move(*golden);
    cases_ = *golden_->root().Get("cases")->AsArray();
    ASSERT_EQ(cases_.size(), 7);
  }

  std::optional<JsonDocument> golden_;
  std::vector<JsonValue> cases_;
};

TEST_F(MetricsGoldenTest, ValuesAreScikitLearns) {
  for (const JsonValue& golden : cases_) {
    const Case c(golden);
    SCOPED_TRACE(c.name);
    const ClassificationReport report = c.Report({.resamples = 0});
    EXPECT_EQ(report.examples, c.gold.size());
    EXPECT_NEAR(report.accuracy.value, Number(*golden.Get("accuracy")), 1e-12);
    EXPECT_NEAR(report.macro_f1.value, Number(*golden.Get("macro_f1")), 1e-12);
    const auto precision = Numbers<double>(*golden.Get("precision"));
    const auto recall = Numbers<double>(*golden.Get("recall"));
    const auto f1 = Numbers<double>(*golden.Get("f1"));
    const auto support = Numbers<int64_t>(*golden.Get("support"));
    ASSERT_EQ(report.classes.size(), c.classes);
    for (int i = 0; i < c.classes; ++i) {
      EXPECT_NEAR(report.classes[i].precision.value, precision[i], 1e-12) << i;
      EXPECT_NEAR(report.classes[i].recall.value, recall[i], 1e-12) << i;
      EXPECT_NEAR(report.classes[i].f1.value, f1[i], 1e-12) << i;
      EXPECT_EQ(report.classes[i].support, support[i]) << i;
    }
    const auto cells = report.confusion.cells();
    EXPECT_EQ(std::vector<int64_t>(cells.begin(), cells.end()),
              Numbers<int64_t>(*golden.Get("confusion")));
    EXPECT_EQ(Accuracy(report.confusion), report.accuracy.value);
    EXPECT_EQ(MacroF1(report.confusion), report.macro_f1.value);
  }
}

TEST_F(MetricsGoldenTest, CalibrationIsNumPys) {
  for (const JsonValue& golden : cases_) {
    const Case c(golden);
    SCOPED_TRACE(c.name);
    const Calibration calibration = c.Report({.resamples = 0}).calibration;
    EXPECT_NEAR(calibration.expected_error, Number(*golden.Get("expected_error")), 1e-12);
    const auto counts = Numbers<int64_t>(*golden.Get("bin_counts"));
    ASSERT_EQ(calibration.bins.size(), counts.size());
    for (size_t b = 0; b < counts.size(); ++b) EXPECT_EQ(calibration.bins[b].count, counts[b]) << b;
  }
}

// NumPy drew examples one by one, 20,000 times; with as many resamples only chance differs, and
// that by few of the steps that a ratio over `support` examples takes.
TEST_F(MetricsGoldenTest, IntervalsAreThoseOfDrawingExamples) {
  int compared = 0;
  for (const JsonValue& golden : cases_) {
    const auto intervals = golden.Find("intervals");
    if (!intervals) continue;
    const Case c(golden);
    SCOPED_TRACE(c.name);
    const ClassificationReport report = c.Report({.resamples = 20'000});
    const auto expect = [&](const Estimate& estimate, const JsonValue& interval, size_t support) {
      const double tolerance = std::max(0.005, 0.35 / static_cast<double>(support));
      const auto ends = Numbers<double>(interval);
      EXPECT_NEAR(estimate.low, ends[0], tolerance) << interval.path();
      EXPECT_NEAR(estimate.high, ends[1], tolerance) << interval.path();
      ++compared;
    };
    expect(report.accuracy, *intervals->Get("accuracy"), c.gold.size());
    expect(report.macro_f1, *intervals->Get("macro_f1"), 50);
    for (int i = 0; i < c.classes; ++i) {
      const size_t support = report.classes[i].support;
      expect(report.classes[i].precision, (*intervals->Get("precision")->AsArray())[i], support);
      expect(report.classes[i].recall, (*intervals->Get("recall")->AsArray())[i], support);
      expect(report.classes[i].f1, (*intervals->Get("f1")->AsArray())[i], support);
    }
  }
  EXPECT_EQ(compared, 2 + 3 * 2 + 2 + 3 * 5);
}

TEST(ClassificationReportTest, IntervalsAreAFunctionOfTheSeed) {
  std::vector<int32_t> gold, predicted;
  for (int i = 0; i < 500; ++i) {
    gold.push_back(i % 2);
    predicted.push_back(i % 7 == 0 ? 0 : i % 2);
  }
  const std::vector<float> probabilities(1000, 0.5f);
  const auto report = [&](uint64_t seed) {
    return *EvaluateClassification(gold, predicted, probabilities, 2, {.seed = seed});
  };
  EXPECT_EQ(report(7).macro_f1.low, report(7).macro_f1.low);
  EXPECT_EQ(report(7).macro_f1.high, report(7).macro_f1.high);
  EXPECT_NE(report(7).macro_f1.low, report(8).macro_f1.low);
  // More confidence, a wider interval around the value.
  const auto wide = *EvaluateClassification(gold, predicted, probabilities, 2,
                                            {.resamples = 1000, .confidence = 0.999});
  EXPECT_LT(wide.accuracy.low, report(1).accuracy.low);
  EXPECT_LE(report(1).accuracy.low, report(1).accuracy.value);
  EXPECT_GE(report(1).accuracy.high, report(1).accuracy.value);
}

TEST(ClassificationReportTest, OneMillionExamplesHaveANarrowInterval) {
  std::vector<int32_t> gold(1'000'000), predicted(gold.size());
  for (size_t i = 0; i < gold.size(); ++i) {
    gold[i] = static_cast<int32_t>(i % 2);
    predicted[i] = i % 10 == 0 ? 1 - gold[i] : gold[i];
  }
  const std::vector<float> probabilities(2 * gold.size(), 0.5f);
  const auto report = *EvaluateClassification(gold, predicted, probabilities, 2);
  EXPECT_DOUBLE_EQ(report.accuracy.value, 0.9);
  // 1.96 standard errors: 0.000588.
  EXPECT_THAT(report.accuracy.high - report.accuracy.low, DoubleNear(2 * 0.000588, 0.0001));
}

TEST(CalibrationTest, ConfidencesOnAnEdgeBelongToTheBinBelow) {
  std::vector<int32_t> gold, predicted;
  std::vector<float> confidences;
  const auto add = [&](float confidence, bool correct) {
    gold.push_back(0);
    predicted.push_back(correct ? 0 : 1);
    confidences.push_back(confidence);
  };
  add(0.0f, false);
  add(0.25f, true);
  add(0.5f, true);
  add(std::nextafter(0.5f, 1.0f), false);
  add(1.0f, true);
  add(1.0f, false);
  const Calibration calibration = MeasureCalibration(gold, predicted, confidences, 4);
  std::vector<int64_t> counts;
  for (const CalibrationBin& bin : calibration.bins) counts.push_back(bin.count);
  EXPECT_THAT(counts, ElementsAre(2, 1, 1, 2));
  EXPECT_EQ(calibration.bins[3].low, 0.75);
  EXPECT_EQ(calibration.bins[3].high, 1.0);
  EXPECT_EQ(calibration.bins[3].accuracy, 0.5);
  EXPECT_EQ(calibration.bins[0].confidence, 0.125);
  EXPECT_NEAR(calibration.expected_error, (2 * 0.375 + 0.5 + 0.5 + 2 * 0.5) / 6, 1e-6);
}

TEST(ClassificationReportTest, DivergedModelsAreRefused) {
  const std::vector<int32_t> labels = {0, 1};
  for (const float bad : {std::nanf(""), -0.1f, 1.5f, std::numeric_limits<float>::infinity()}) {
    const std::vector<float> probabilities = {0.5f, 0.5f, 0.5f, bad};
    EXPECT_THAT(EvaluateClassification(labels, labels, probabilities, 2),
                testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                  ::testing::StartsWith("example 1, class 1: expected a "
                                                        "probability from 0 to 1, found ")));
  }
}

TEST(ClassificationReportTest, NoExamplesAreRefused) {
  EXPECT_THAT(EvaluateClassification({}, {}, {}, 2),
              testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                "expected examples to evaluate, found none"));
}

}  // namespace
}  // namespace graft
