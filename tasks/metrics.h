// How good a classifier is: accuracy, F1, bootstrap intervals, confusion matrix, calibration.
#ifndef GRAFT_TASKS_METRICS_H_
#define GRAFT_TASKS_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace graft {

// Letters: n examples, C classes, counted from 0.

// A measured value and the interval that a bootstrap gives it. All are fractions of 1.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct ClassMetrics {
  Estimate precision;
  Estimate recall;
  Estimate f1;
  int64_t support = 0;    // examples of the class
  int64_t predicted = 0;  // examples given this class
};

// Counts of examples by gold and predicted class.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int num_classes);
  // `gold` and `predicted` [n] hold classes in [0, num_classes).
  ConfusionMatrix(absl::Span<const int32_t> gold, absl::Span<const int32_t> predicted,
                  int num_classes);

  int num_classes() const { return num_classes_; }
  int64_t examples() const;
  int64_t& at(int gold, int predicted) { return cells_[index(gold, predicted)]; }
  int64_t at(int gold, int predicted) const { return cells_[index(gold, predicted)]; }
  // [C, C], a row per gold class.
  absl::Span<const int64_t> cells() const { return cells_; }

 private:
  size_t index(int gold, int predicted) const;

  int num_classes_ = 0;
  std::vector<int64_t> cells_;
};

// The definitions are scikit-learn's with zero_division = 0: a fraction with denominator 0 is 0.
double Accuracy(const ConfusionMatrix& confusion);
// The plain mean of F1 over the classes that occur among the gold or the predicted labels (as
// f1_score(gold, predicted, average="macro") takes it): a class that the data does not touch does
// not count.
double MacroF1(const ConfusionMatrix& confusion);

struct CalibrationBin {
  double low = 0;  // confidences in (low, high]; 0 belongs to the first bin
  double high = 0;
  int64_t count = 0;
  double confidence = 0;  // mean over the bin; 0 when it is empty
  double accuracy = 0;
};

struct Calibration {
  // Sum over bins of count / n * |accuracy - confidence|, with bins of equal width: Guo et al. 2017
  // (arXiv 1706.04599), equation 3.
  double expected_error = 0;
  std::vector<CalibrationBin> bins;
};

// `confidences` [n] are the probabilities of the predicted classes, in [0, 1].
Calibration MeasureCalibration(absl::Span<const int32_t> gold, absl::Span<const int32_t> predicted,
                               absl::Span<const float> confidences, int num_bins = 15);

struct BootstrapOptions {
  // Data sets drawn; 0 leaves every interval at [value, value].
  int resamples = 1000;
  // Share of the drawn values inside the interval, in (0, 1).
  double confidence = 0.95;
  uint64_t seed = 1;
};

struct ClassificationReport {
  int64_t examples = 0;
  Estimate accuracy;
  Estimate macro_f1;
  std::vector<ClassMetrics> classes;  // [C]
  ConfusionMatrix confusion{1};
  Calibration calibration;
};

// The report over `gold`, `predicted` [n] and `probabilities` [n, C], row-major.
//
// Intervals are percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13): n examples
// are drawn from the n with replacement, every metric is taken anew with the same definitions, and
// the interval lies between the (1 - confidence) / 2 quantiles from both ends, interpolated
// linearly. As all these metrics depend on the confusion matrix alone, a matrix is drawn at once,
// from the multinomial distribution over its cells, exactly and in integers: n = 1,000,000 costs
// little, and a seed gives the same intervals on every machine.
//
// InvalidArgument when n is 0, or when a probability is not in [0, 1] (a model that has diverged),
// naming the example. Spans that do not fit together are a bug of the caller. Thread-safe.
absl::StatusOr<ClassificationReport> EvaluateClassification(absl::Span<const int32_t> gold,
                                                            absl::Span<const int32_t> predicted,
                                                            absl::Span<const float> probabilities,
                                                            int num_classes,
                                                            const BootstrapOptions& options = {});

}  // namespace graft

#endif  // GRAFT_TASKS_METRICS_H_
