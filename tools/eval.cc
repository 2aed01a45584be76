// graft eval: how good a classifier is on labelled texts.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tasks/data_set.h"
#include "tasks/metrics.h"
#include "tasks/text_classifier.h"
#include "tools/compute.h"
#include "tools/json_text.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

constexpr size_t kBlock = 512;  // texts between two updates of the progress bar

struct Options {
  std::string model, data;
  std::string device = "auto";
  int threads = 0;
  bool json = false;
  DataSetOptions columns;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR", "a classifier that graft or transformers saved",
            Need::kRequired);
  list.Text("--data", &o.data, "FILE", "labelled texts: TSV, CSV or JSON lines, plain or gzip",
            Need::kRequired);
  list.Flag("--json", &o.json, "print one JSON object");
  list.DataColumns(&o.columns);
  list.Device(&o.device);
  list.Threads(&o.threads);
}

// What was measured, and what it was measured on.
struct Measured {
  ClassificationReport report;
  int64_t replaced_utf8 = 0;
  int64_t cut_texts = 0;
  int64_t cut_tokens = 0;
  size_t max_length = 0;
};

absl::StatusOr<Measured> Measure(const TextClassifier& classifier, const DataSet& data) {
  Measured measured;
  std::vector<int32_t> gold, predicted;
  std::vector<float> probabilities;
  ProgressBar bar("scoring", static_cast<int64_t>(data.rows.size()));
  for (size_t begin = 0; begin < data.rows.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, data.rows.size());
    std::vector<std::string_view> texts;
    for (size_t i = begin; i < end; ++i) texts.push_back(data.rows[i].text);
    ABSL_ASSIGN_OR_RETURN(const auto results, classifier.Predict(absl::MakeConstSpan(texts)));
    for (size_t i = begin; i < end; ++i) {
      const Classification& result = results[i - begin];
      gold.push_back(data.rows[i].label);
      predicted.push_back(result.label_index);
      probabilities.insert(probabilities.end(), result.scores.begin(), result.scores.end());
      measured.cut_texts += result.cut_off > 0;
      measured.cut_tokens += static_cast<int64_t>(result.cut_off);
    }
    bar.Update(static_cast<int64_t>(end));
  }
  bar.Finish();
  const int classes = static_cast<int>(data.labels.size());
  ABSL_ASSIGN_OR_RETURN(measured.report,
                        EvaluateClassification(gold, predicted, probabilities, classes));
  measured.replaced_utf8 = data.replaced_utf8;
  measured.max_length = classifier.max_length();
  return measured;
}

ordered_json EstimateJson(const Estimate& e) {
  return {{"value", e.value}, {"low", e.low}, {"high", e.high}};
}

ordered_json CalibrationJson(const Calibration& calibration) {
  ordered_json bins = ordered_json::array();
  for (const CalibrationBin& bin : calibration.bins) {
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"count", bin.count},
                    {"confidence", bin.confidence},
                    {"accuracy", bin.accuracy}});
  }
  return {{"expected_error", calibration.expected_error}, {"bins", std::move(bins)}};
}

void PrintJson(const Options& o, const std::vector<std::string>& labels, const Measured& m) {
  ordered_json classes = ordered_json::array();
  ordered_json confusion = ordered_json::array();
  for (size_t c = 0; c < labels.size(); ++c) {
    const ClassMetrics& metrics = m.report.classes[c];
    classes.push_back({{"label", labels[c]},
                       {"precision", EstimateJson(metrics.precision)},
                       {"recall", EstimateJson(metrics.recall)},
                       {"f1", EstimateJson(metrics.f1)},
                       {"support", metrics.support},
                       {"predicted", metrics.predicted}});
    ordered_json row = ordered_json::array();
    for (size_t p = 0; p < labels.size(); ++p)
      row.push_back(m.report.confusion.at(static_cast<int>(c), static_cast<int>(p)));
    confusion.push_back(std::move(row));
  }
  std::cout << JsonText(
                   ordered_json{{"format", "graft eval"},
                                {"version", 1},
                                {"model", o.model},
                                {"data", o.data},
                                {"examples", m.report.examples},
                                {"accuracy", EstimateJson(m.report.accuracy)},
                                {"macro_f1", EstimateJson(m.report.macro_f1)},
                                {"classes", std::move(classes)},
                                {"confusion", {{"labels", labels}, {"rows", std::move(confusion)}}},
                                {"calibration", CalibrationJson(m.report.calibration)},
                                {"max_length", m.max_length},
                                {"cut_off_texts", m.cut_texts},
                                {"cut_off_tokens", m.cut_tokens},
                                {"replaced_utf8", m.replaced_utf8}},
                   2)
            << '\n';
}

std::string EstimateText(const Estimate& e) {
  return absl::StrFormat("%.4f [%.4f, %.4f]", e.value, e.low, e.high);
}

void PrintText(const std::vector<std::string>& labels, const Measured& m) {
  const ClassificationReport& r = m.report;
  Table facts({{""}, {""}});
  facts.AddRow({"texts", WithThousands(r.examples)});
  facts.AddRow({"accuracy", EstimateText(r.accuracy)});
  facts.AddRow({"macro F1", EstimateText(r.macro_f1)});
  facts.AddRow({"calibration error", absl::StrFormat("%.4f", r.calibration.expected_error)});
  facts.AddRow({"cut off", absl::StrCat(WithThousands(m.cut_texts), " texts above ", m.max_length,
                                        " tokens, ", WithThousands(m.cut_tokens), " tokens lost")});
  if (m.replaced_utf8 > 0)
    facts.AddRow(
        {"ill-formed UTF-8", absl::StrCat(WithThousands(m.replaced_utf8), " parts replaced")});
  std::cout << facts.ToString() << '\n';

  Table classes({{"label"}, {"precision"}, {"recall"}, {"F1"}, {"support", Align::kRight}});
  for (size_t c = 0; c < labels.size(); ++c) {
    const ClassMetrics& metrics = r.classes[c];
    classes.AddRow({Printable(labels[c]), EstimateText(metrics.precision),
                    EstimateText(metrics.recall), EstimateText(metrics.f1),
                    WithThousands(metrics.support)});
  }
  std::cout << classes.ToString() << "\nconfusion (rows: gold, columns: predicted)\n";
  std::vector<TableColumn> columns = {{""}};
  for (const std::string& label : labels) columns.push_back({Printable(label), Align::kRight});
  Table confusion(std::move(columns));
  for (size_t g = 0; g < labels.size(); ++g) {
    std::vector<std::string> cells = {Printable(labels[g])};
    for (size_t p = 0; p < labels.size(); ++p)
      cells.push_back(WithThousands(r.confusion.at(static_cast<int>(g), static_cast<int>(p))));
    confusion.AddRow(std::move(cells));
  }
  std::cout << confusion.ToString() << "\nIntervals are 95 % bootstrap intervals.\n";
}

absl::StatusOr<int> Evaluate(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(const TextClassifier classifier, TextClassifier::Load(o.model));
  ABSL_ASSIGN_OR_RETURN(const DataSet data, ReadDataSet(o.data, o.columns, classifier.labels()));
  ABSL_ASSIGN_OR_RETURN(const Measured measured, Measure(classifier, data));
  if (o.json) {
    PrintJson(o, classifier.labels(), measured);
  } else {
    PrintText(classifier.labels(), measured);
  }
  return kExitOk;
}

}  // namespace

Verb EvalVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "eval",
          .summary = "Measure a classifier on labelled texts",
          .example = "graft eval --model my-model --data test.tsv",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = nullptr,
          .run = [options] { return Evaluate(*options); }};
}

}  // namespace graft::tools
