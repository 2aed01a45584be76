// graft vectors eval: word similarity and analogies.
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "embeddings/evaluation.h"
#include "tools/json_text.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;
using Unknown = EvaluationOptions::Unknown;

constexpr int64_t kQuietQuestions = 1000;  // fewer are answered in no time

struct Options {
  VectorFileOptions file;
  std::vector<std::string> sets;
  EvaluationOptions evaluation;
  bool match_case = false;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  DeclareVectorFile(o.file, list);
  list.Arguments(
      "FILE...", &o.sets,
      "pairs of words with a similarity (WordSim353, SimLex-999, your own), or analogies "
      "(questions-words.txt)");
  list.Integer("--restrict-vocab", &o.evaluation.restrict_vocab, 0, int64_t{1} << 40,
               "only the first N rows count, as words and as answers; 0: all");
  list.Flag("--match-case", &o.match_case,
            "compare words as they are; without it in upper case, where the first row counts");
  list.Choice<Unknown>(
      "--unknown", &o.evaluation.unknown,
      {{"skip", Unknown::kSkip}, {"zero", Unknown::kZero}, {"estimate", Unknown::kEstimate}},
      "pairs and questions with an unknown word: are left out; have similarity 0 and are wrong; "
      "pairs go by sub-words, where the model has them");
  list.Choice<AnalogyMethod>("--method", &o.evaluation.method,
                             {{"add", AnalogyMethod::kAdd}, {"multiply", AnalogyMethod::kMultiply}},
                             "of analogies: 3CosAdd or 3CosMul (Levy and Goldberg 2014)");
  list.Flag("--json", &o.json, "print one JSON object");
}

absl::Status Check(const Options& o) {
  if (!o.sets.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("FILE: expected at least one file to evaluate by, found none");
}

ordered_json NumberJson(const std::optional<double>& number) {
  return number ? ordered_json(*number) : ordered_json(nullptr);
}

std::string NumberText(const std::optional<double>& number, std::string_view undefined) {
  return number ? absl::StrFormat("%.4f", *number) : std::string(undefined);
}

ordered_json PairsJson(const std::string& file, const WordPairResult& result) {
  return {{"file", file},
          {"kind", "similarity"},
          {"pairs", result.pairs},
          {"unknown", result.unknown},
          {"used", result.used},
          {"pearson", NumberJson(result.pearson)},
          {"spearman", NumberJson(result.spearman)},
          {"unknown_words", result.unknown_words}};
}

ordered_json ScoreJson(const AnalogyScore& score) {
  return {{"name", score.name},       {"questions", score.questions},
          {"unknown", score.unknown}, {"used", score.used},
          {"correct", score.correct}, {"accuracy", NumberJson(score.accuracy())}};
}

ordered_json AnalogiesJson(const std::string& file, const AnalogyResult& result) {
  ordered_json sections = ordered_json::array();
  for (const AnalogyScore& score : result.sections) sections.push_back(ScoreJson(score));
  return {{"file", file},
          {"kind", "analogies"},
          {"sections", std::move(sections)},
          {"semantic", ScoreJson(result.semantic)},
          {"syntactic", ScoreJson(result.syntactic)},
          {"total", ScoreJson(result.total)}};
}

void PrintPairs(const std::vector<std::pair<std::string, WordPairResult>>& results) {
  if (results.empty()) return;
  Table table({{"similarity"},
               {"pairs", Align::kRight},
               {"unknown", Align::kRight},
               {"used", Align::kRight},
               {"Spearman", Align::kRight},
               {"Pearson", Align::kRight}});
  for (const auto& [file, result] : results) {
    table.AddRow({Printable(file), WithThousands(result.pairs), WithThousands(result.unknown),
                  WithThousands(result.used), NumberText(result.spearman, "undefined"),
                  NumberText(result.pearson, "undefined")});
  }
  std::cout << table.ToString();
}

void AddScore(const AnalogyScore& score, Table& table) {
  table.AddRow({Printable(score.name), WithThousands(score.questions), WithThousands(score.unknown),
                WithThousands(score.used), WithThousands(score.correct),
                NumberText(score.accuracy(), "-")});
}

void PrintAnalogies(const std::string& file, const AnalogyResult& result) {
  Table table({{absl::StrCat("analogies ", Printable(file))},
               {"questions", Align::kRight},
               {"unknown", Align::kRight},
               {"used", Align::kRight},
               {"correct", Align::kRight},
               {"accuracy", Align::kRight}});
  for (const AnalogyScore& score : result.sections) AddScore(score, table);
  table.AddRule();
  AddScore(result.semantic, table);
  AddScore(result.syntactic, table);
  AddScore(result.total, table);
  std::cout << table.ToString();
}

absl::StatusOr<AnalogyResult> Evaluate(const WordVectors& vectors, const AnalogySet& set,
                                       EvaluationOptions options) {
  std::optional<ProgressBar> bar;
  options.progress = [&](int64_t done, int64_t all) {
    if (all <= kQuietQuestions) return;
    if (!bar) bar.emplace("analogies", all, "questions");
    bar->Update(done);
  };
  return EvaluateAnalogies(vectors, set, options);
}

absl::StatusOr<int> EvaluateVectors(const Options& o) {
  // Mistakes in small files come before a large one is read.
  std::vector<EvaluationSet> sets;
  for (const std::string& file : o.sets) {
    ABSL_ASSIGN_OR_RETURN(EvaluationSet set, ReadEvaluationSet(file));
    sets.push_back(std::move(set));
  }
  ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadVectorFile(o.file));
  ABSL_ASSIGN_OR_RETURN(const LoadOptions options, MakeLoadOptions(o.file));
  EvaluationOptions evaluation = o.evaluation;
  evaluation.ignore_case = !o.match_case;
  evaluation.threads = options.threads;

  ordered_json results = ordered_json::array();
  std::vector<std::pair<std::string, WordPairResult>> pairs;
  std::vector<std::pair<std::string, AnalogyResult>> analogies;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (const auto* const set = std::get_if<WordPairSet>(&sets[i])) {
      pairs.emplace_back(o.sets[i], EvaluateWordPairs(loaded.vectors, *set, evaluation));
      results.push_back(PairsJson(o.sets[i], pairs.back().second));
    } else {
      ABSL_ASSIGN_OR_RETURN(AnalogyResult result,
                            Evaluate(loaded.vectors, std::get<AnalogySet>(sets[i]), evaluation));
      analogies.emplace_back(o.sets[i], std::move(result));
      results.push_back(AnalogiesJson(o.sets[i], analogies.back().second));
    }
  }
  if (o.json) {
    const ordered_json json = {{"vectors", o.file.path},
                               {"rows", loaded.vectors.size()},
                               {"width", loaded.vectors.width()},
                               {"restrict_vocab", evaluation.restrict_vocab},
                               {"results", std::move(results)}};
    std::cout << JsonText(json, 2) << '\n';
    return kExitOk;
  }
  PrintPairs(pairs);
  for (const auto& [file, result] : analogies) {
    if (!pairs.empty() || file != analogies.front().first) std::cout << '\n';
    PrintAnalogies(file, result);
  }
  return kExitOk;
}

}  // namespace

Verb VectorsEvalVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors eval",
          .summary = "Measure word vectors by word similarity and analogies",
          .example =
              "graft vectors eval --vectors glove.6B.50d.txt wordsim353.tsv simlex999.txt\n"
              "graft vectors eval --vectors glove --method multiply questions-words.txt",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return EvaluateVectors(*options); }};
}

}  // namespace graft::tools
