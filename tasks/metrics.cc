#include "tasks/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/log/absl_check.h"
#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tasks/bootstrap.h"

namespace graft {
namespace {

// Rounding of a softmax may lead this far above 1.
constexpr float kMaxProbability = 1.0001f;

double Ratio(int64_t numerator, int64_t denominator) {
  return denominator == 0 ? 0 : static_cast<double>(numerator) / static_cast<double>(denominator);
}

// One class's part of a confusion matrix.
struct ClassCounts {
  int64_t correct = 0;
  int64_t support = 0;
  int64_t predicted = 0;

  double Precision() const { return Ratio(correct, predicted); }
  double Recall() const { return Ratio(correct, support); }
  double F1() const { return Ratio(2 * correct, support + predicted); }
};

// A cell of the matrix that is not empty: others stay empty in every resample.
struct Cell {
  int gold;
  int predicted;
};

std::vector<ClassCounts> CountClasses(const std::vector<Cell>& cells,
                                      absl::Span<const int64_t> counts, int num_classes) {
  std::vector<ClassCounts> classes(num_classes);
  for (size_t i = 0; i < cells.size(); ++i) {
    classes[cells[i].gold].support += counts[i];
    classes[cells[i].predicted].predicted += counts[i];
    if (cells[i].gold == cells[i].predicted) classes[cells[i].gold].correct += counts[i];
  }
  return classes;
}

double AccuracyOf(const std::vector<ClassCounts>& classes) {
  int64_t correct = 0, examples = 0;
  for (const ClassCounts& c : classes) {
    correct += c.correct;
    examples += c.support;
  }
  return Ratio(correct, examples);
}

double MacroF1Of(const std::vector<ClassCounts>& classes) {
  double sum = 0;
  int64_t touched = 0;
  for (const ClassCounts& c : classes) {
    if (c.support + c.predicted == 0) continue;
    sum += c.F1();
    ++touched;
  }
  return touched == 0 ? 0 : sum / static_cast<double>(touched);
}

// All values of a report in one row: accuracy, macro F1, then three per class.
std::vector<double> AllMetrics(const std::vector<ClassCounts>& classes) {
  std::vector<double> values = {AccuracyOf(classes), MacroF1Of(classes)};
  values.reserve(2 + 3 * classes.size());
  for (const ClassCounts& c : classes) {
    values.insert(values.end(), {c.Precision(), c.Recall(), c.F1()});
  }
  return values;
}

struct SparseMatrix {
  std::vector<Cell> cells;
  std::vector<int64_t> counts;
};

SparseMatrix FilledCells(const ConfusionMatrix& confusion) {
  SparseMatrix filled;
  for (int gold = 0; gold < confusion.num_classes(); ++gold) {
    for (int predicted = 0; predicted < confusion.num_classes(); ++predicted) {
      if (confusion.at(gold, predicted) == 0) continue;
      filled.cells.push_back({gold, predicted});
      filled.counts.push_back(confusion.at(gold, predicted));
    }
  }
  return filled;
}

std::vector<ClassCounts> CountClasses(const ConfusionMatrix& confusion) {
  const SparseMatrix filled = FilledCells(confusion);
  return CountClasses(filled.cells, filled.counts, confusion.num_classes());
}

// An estimate for each of AllMetrics.
std::vector<Estimate> EstimateAll(const ConfusionMatrix& confusion,
                                  const BootstrapOptions& options) {
  const SparseMatrix filled = FilledCells(confusion);
  const int num_classes = confusion.num_classes();
  const std::vector<double> values =
      AllMetrics(CountClasses(filled.cells, filled.counts, num_classes));
  std::vector<std::vector<double>> samples(values.size());
  for (auto& sample : samples) sample.reserve(options.resamples);
  std::vector<int64_t> drawn(filled.counts.size());
  for (int i = 0; i < options.resamples; ++i) {
    CounterRandom random(options.seed, static_cast<uint64_t>(i));
    DrawResample(filled.counts, random, absl::MakeSpan(drawn));
    const std::vector<double> resampled =
        AllMetrics(CountClasses(filled.cells, drawn, num_classes));
    for (size_t m = 0; m < resampled.size(); ++m) samples[m].push_back(resampled[m]);
  }
  std::vector<Estimate> estimates;
  const double tail = (1 - options.confidence) / 2;
  for (size_t m = 0; m < values.size(); ++m) {
    Estimate estimate{values[m], values[m], values[m]};
    if (!samples[m].empty()) {
      std::sort(samples[m].begin(), samples[m].end());
      estimate.low = Quantile(samples[m], tail);
      estimate.high = Quantile(samples[m], 1 - tail);
    }
    estimates.push_back(estimate);
  }
  return estimates;
}

absl::Status CheckProbabilities(absl::Span<const float> probabilities, int num_classes) {
  for (size_t i = 0; i < probabilities.size(); ++i) {
    // Written so that NaN fails.
    if (!(probabilities[i] >= 0 && probabilities[i] <= kMaxProbability)) {
      return absl::InvalidArgumentError(
          absl::StrCat("example ", i / num_classes, ", class ", i % num_classes,
                       ": expected a probability from 0 to 1, found ", probabilities[i]));
    }
  }
  return absl::OkStatus();
}

// The bin (low, high] that a confidence in [0, 1] belongs to.
size_t BinOf(double confidence, int num_bins) {
  const auto edge = [num_bins](int bin) { return static_cast<double>(bin) / num_bins; };
  int bin = std::min(static_cast<int>(confidence * num_bins), num_bins - 1);
  // The product is rounded, so an edge may be missed by one bin.
  if (bin > 0 && confidence <= edge(bin)) --bin;
  if (bin + 1 < num_bins && confidence > edge(bin + 1)) ++bin;
  return static_cast<size_t>(bin);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int num_classes)
    : num_classes_(num_classes),
      cells_(static_cast<size_t>(num_classes) * static_cast<size_t>(num_classes)) {
  ABSL_CHECK_GT(num_classes, 0);
}

ConfusionMatrix::ConfusionMatrix(absl::Span<const int32_t> gold,
                                 absl::Span<const int32_t> predicted, int num_classes)
    : ConfusionMatrix(num_classes) {
  ABSL_CHECK_EQ(gold.size(), predicted.size());
  for (size_t i = 0; i < gold.size(); ++i) ++at(gold[i], predicted[i]);
}

size_t ConfusionMatrix::index(int gold, int predicted) const {
  ABSL_CHECK(0 <= gold && gold < num_classes_ && 0 <= predicted && predicted < num_classes_);
  return static_cast<size_t>(gold) * static_cast<size_t>(num_classes_) +
         static_cast<size_t>(predicted);
}

int64_t ConfusionMatrix::examples() const {
  int64_t sum = 0;
  for (const int64_t cell : cells_) sum += cell;
  return sum;
}

double Accuracy(const ConfusionMatrix& confusion) { return AccuracyOf(CountClasses(confusion)); }

double MacroF1(const ConfusionMatrix& confusion) { return MacroF1Of(CountClasses(confusion)); }

Calibration MeasureCalibration(absl::Span<const int32_t> gold, absl::Span<const int32_t> predicted,
                               absl::Span<const float> confidences, int num_bins) {
  ABSL_CHECK(gold.size() == predicted.size() && gold.size() == confidences.size());
  ABSL_CHECK_GT(num_bins, 0);
  Calibration calibration;
  for (int bin = 0; bin < num_bins; ++bin) {
    calibration.bins.push_back({.low = static_cast<double>(bin) / num_bins,
                                .high = static_cast<double>(bin + 1) / num_bins});
  }
  // Sums first, means below.
  for (size_t i = 0; i < gold.size(); ++i) {
    const double confidence = std::min<double>(confidences[i], 1);
    CalibrationBin& bin = calibration.bins[BinOf(confidence, num_bins)];
    ++bin.count;
    bin.confidence += confidence;
    if (gold[i] == predicted[i]) bin.accuracy += 1;
  }
  for (CalibrationBin& bin : calibration.bins) {
    if (bin.count == 0) continue;
    const double count = static_cast<double>(bin.count);
    bin.confidence /= count;
    bin.accuracy /= count;
    calibration.expected_error +=
        count / static_cast<double>(gold.size()) * std::abs(bin.accuracy - bin.confidence);
  }
  return calibration;
}

absl::StatusOr<ClassificationReport> EvaluateClassification(absl::Span<const int32_t> gold,
                                                            absl::Span<const int32_t> predicted,
                                                            absl::Span<const float> probabilities,
                                                            int num_classes,
                                                            const BootstrapOptions& options) {
  ABSL_CHECK_GT(num_classes, 0);
  ABSL_CHECK_EQ(probabilities.size(), gold.size() * static_cast<size_t>(num_classes));
  ABSL_CHECK(options.resamples >= 0 && options.confidence > 0 && options.confidence < 1);
  if (gold.empty()) return absl::InvalidArgumentError("expected examples to evaluate, found none");
  ABSL_RETURN_IF_ERROR(CheckProbabilities(probabilities, num_classes));

  ClassificationReport report;
  report.examples = static_cast<int64_t>(gold.size());
  report.confusion = ConfusionMatrix(gold, predicted, num_classes);
  const std::vector<Estimate> estimates = EstimateAll(report.confusion, options);
  report.accuracy = estimates[0];
  report.macro_f1 = estimates[1];
  const std::vector<ClassCounts> counts = CountClasses(report.confusion);
  for (size_t c = 0; c < counts.size(); ++c) {
    const Estimate* own = &estimates[2 + 3 * c];
    report.classes.push_back({own[0], own[1], own[2], counts[c].support, counts[c].predicted});
  }
  std::vector<float> confidences(gold.size());
  for (size_t i = 0; i < gold.size(); ++i) {
    confidences[i] =
        probabilities[i * static_cast<size_t>(num_classes) + static_cast<size_t>(predicted[i])];
  }
  report.calibration = MeasureCalibration(gold, predicted, confidences);
  return report;
}

}  // namespace graft
