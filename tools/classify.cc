// graft classify: labels for texts.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/text_input.h"
#include "nlohmann/json.hpp"
#include "tasks/text_classifier.h"
#include "tasks/text_rows.h"
#include "tools/argument_texts.h"
#include "tools/compute.h"
#include "tools/json_text.h"
#include "tools/row_blocks.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

// Lines that are scored at once, at most.
constexpr size_t kBlock = 256;

struct Options {
  std::string model;
  std::string device = "auto";
  int threads = 0;
  bool json = false;
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  std::vector<std::string> texts;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR", "a classifier that graft or transformers saved",
            Need::kRequired);
  list.Arguments("[TEXT...]", &o.texts,
                 "texts to classify; without any, the lines of standard input");
  list.Flag("--json", &o.json, "JSON lines with label, score and the scores of all labels");
  list.InvalidUtf8Policy(&o.invalid_utf8);
  list.Device(&o.device);
  list.Threads(&o.threads);
}

void Print(const Options& o, const TextClassifier& classifier, const std::string& text,
           const Classification& result) {
  if (!o.json) {
    std::cout << OneLine(result.label) << '\t' << absl::StrFormat("%.6f", result.score) << '\t'
              << OneLine(text) << '\n';
    return;
  }
  ordered_json scores = ordered_json::object();
  for (size_t c = 0; c < result.scores.size(); ++c)
    scores[classifier.labels()[c]] = result.scores[c];
  ordered_json row{{"label", result.label},
                   {"score", result.score},
                   {"scores", std::move(scores)},
                   {"text", text}};
  if (result.cut_off > 0) row["cut_off_tokens"] = result.cut_off;
  std::cout << JsonText(row) << '\n';
}

// Counts over all texts, for the closing line.
struct Totals {
  int64_t cut_texts = 0;
  int64_t cut_tokens = 0;
};

absl::Status ClassifyBlock(const Options& o, const TextClassifier& classifier,
                           absl::Span<const TextRow> rows, Totals& totals) {
  std::vector<std::string_view> texts;
  for (const TextRow& row : rows) texts.push_back(row.text);
  ABSL_ASSIGN_OR_RETURN(const std::vector<Classification> results,
                        classifier.Predict(absl::MakeConstSpan(texts)));
  for (size_t i = 0; i < rows.size(); ++i) {
    Print(o, classifier, rows[i].text, results[i]);
    totals.cut_texts += results[i].cut_off > 0;
    totals.cut_tokens += static_cast<int64_t>(results[i].cut_off);
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  return absl::OkStatus();
}

absl::Status ClassifyInput(const Options& o, const TextClassifier& classifier, Totals& totals) {
  ABSL_ASSIGN_OR_RETURN(TextRows input, TextRows::Open("-", {.invalid_utf8 = o.invalid_utf8}));
  RowBlocks blocks(std::move(input), kBlock);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<TextRow> rows, blocks.Next());
    if (rows.empty()) return absl::OkStatus();
    ABSL_RETURN_IF_ERROR(ForRows(rows, blocks.name(), [&](absl::Span<const TextRow> part) {
      return ClassifyBlock(o, classifier, part, totals);
    }));
  }
}

absl::Status ClassifyArguments(const Options& o, const TextClassifier& classifier, Totals& totals) {
  std::vector<TextRow> rows;
  for (std::string& text : ReplacedTexts(o.texts)) {
    rows.push_back({"", std::move(text), static_cast<int64_t>(rows.size()) + 1});
  }
  return ForRows(rows, kCommandLine, [&](absl::Span<const TextRow> part) {
    return ClassifyBlock(o, classifier, part, totals);
  });
}

absl::StatusOr<int> Classify(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(const TextClassifier classifier, TextClassifier::Load(o.model));
  Totals totals;
  ABSL_RETURN_IF_ERROR(o.texts.empty() ? ClassifyInput(o, classifier, totals)
                                       : ClassifyArguments(o, classifier, totals));
  if (totals.cut_texts > 0) {
    std::cerr << "graft: " << totals.cut_texts << " texts were longer than "
              << classifier.max_length() << " tokens; " << totals.cut_tokens
              << " tokens were not read\n";
  }
  return kExitOk;
}

}  // namespace

Verb ClassifyVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "classify",
          .summary = "Label texts from the command line or from standard input",
          .example =
              "graft classify --model my-model \"A wonderful film.\"\n"
              "graft classify --model my-model --json < reviews.txt",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return CheckArgumentTexts(options->texts, options->invalid_utf8); },
          .run = [options] { return Classify(*options); }};
}

}  // namespace graft::tools
