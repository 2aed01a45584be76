// graft vectors coverage: how much of a task's words vectors know.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "embeddings/coverage.h"
#include "tasks/text_rows.h"
#include "tokenizers/word_tokenizer.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  VectorFileOptions file;
  std::string data;
  TextRowOptions rows;
  WordTokenizerOptions words = {.split = WordSplit::kTreebank};
  int64_t top = 20;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  DeclareVectorFile(o.file, list);
  list.Text("--data", &o.data, "FILE", "texts of the task, plain or gzip; - is standard input",
            Need::kRequired);
  list.Text("--text-column", &o.rows.text_column, "COLUMN",
            "of TSV, CSV and JSON lines: its name or number from 1; else `text`, or the first");
  list.Choice<TextFormat>("--data-format", &o.rows.format,
                          {{"auto", TextFormat::kAuto},
                           {"lines", TextFormat::kLines},
                           {"tsv", TextFormat::kTsv},
                           {"csv", TextFormat::kCsv},
                           {"jsonl", TextFormat::kJsonLines}},
                          "form of the texts; auto goes by the name's ending, else lines");
  list.Choice<WordSplit>("--split", &o.words.split,
                         {{"whitespace", WordSplit::kWhitespace},
                          {"unicode", WordSplit::kUnicode},
                          {"treebank", WordSplit::kTreebank}},
                         "how texts are cut into words: at white space, at Unicode's word "
                         "boundaries, or as the Penn Treebank and GloVe have English");
  list.Flag("--lower-case", &o.words.lower_case, "lower-case the words");
  list.Integer("--top", &o.top, 0, 10'000'000, "how many unknown words to list");
  list.InvalidUtf8Policy(&o.rows.invalid_utf8);
  list.Flag("--json", &o.json, "print one JSON object");
}

absl::StatusOr<WordCounter> CountWords(const Options& o) {
  const WordTokenizer tokenizer(o.words);
  ABSL_ASSIGN_OR_RETURN(TextRows input, TextRows::Open(o.data, o.rows));
  WordCounter counter;
  TextRow row;
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const bool more, input.Next(row));
    if (!more) break;
    for (const std::string& word : tokenizer.Words(row.text)) counter.Add(word);
  }
  if (counter.total().tokens == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(input.name(), ": expected texts with words, found none"));
  }
  return counter;
}

double Share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

ordered_json CountJson(const WordCount& count, const WordCount& all) {
  return {{"types", count.types},
          {"tokens", count.tokens},
          {"share_of_types", Share(count.types, all.types)},
          {"share_of_tokens", Share(count.tokens, all.tokens)}};
}

void PrintJson(const Options& o, const WordVectors& vectors, const CoverageReport& report) {
  ordered_json unknown = ordered_json::array();
  for (const UnknownWord& word : report.unknown) {
    ordered_json record;
    AddWordJson("word", word.word, record);
    record["count"] = word.count;
    unknown.push_back(std::move(record));
  }
  const ordered_json json = {
      {"vectors", o.file.path},
      {"data", o.data},
      {"split", WordSplitName(o.words.split)},
      {"lower_case", o.words.lower_case},
      {"all", CountJson(report.all, report.all)},
      {"known", CountJson(report.known, report.all)},
      {"remedies",
       {{"lower_case", CountJson(report.lower_case, report.all)},
        {"sub_words", vectors.sub_words() == nullptr ? ordered_json(nullptr)
                                                     : CountJson(report.sub_words, report.all)},
        {"n_grams", CountJson(report.n_grams, report.all)}}},
      {"left", CountJson(report.left, report.all)},
      {"unknown", std::move(unknown)}};
  std::cout << JsonText(json, 2) << '\n';
}

std::string Percent(int64_t part, int64_t whole) {
  return absl::StrFormat("%.2f %%", 100 * Share(part, whole));
}

void PrintText(const WordVectors& vectors, const CoverageReport& report) {
  Table table({{""},
               {"types", Align::kRight},
               {"", Align::kRight},
               {"tokens", Align::kRight},
               {"", Align::kRight}});
  const auto add = [&](std::string name, const WordCount& count) {
    table.AddRow({std::move(name), WithThousands(count.types),
                  Percent(count.types, report.all.types), WithThousands(count.tokens),
                  Percent(count.tokens, report.all.tokens)});
  };
  add("words of the texts", report.all);
  add("known", report.known);
  table.AddRule();
  add("won by lower-casing", report.lower_case);
  if (vectors.sub_words() != nullptr) {
    add("won by sub-words", report.sub_words);
  } else {
    table.AddRow({"won by sub-words", "-", "", "-", ""});
  }
  add("half of the n-grams known", report.n_grams);
  add("left unknown", report.left);
  std::cout << table.ToString();
  if (vectors.sub_words() == nullptr) std::cout << "these vectors have no sub-words\n";
  if (report.unknown.empty()) return;
  std::cout << "\nmost frequent unknown words\n";
  Table unknown({{""}, {"", Align::kRight}});
  for (const UnknownWord& word : report.unknown) {
    unknown.AddRow({Printable(word.word), WithThousands(word.count)});
  }
  std::cout << unknown.ToString(2);
}

absl::StatusOr<int> Cover(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const WordCounter counter, CountWords(o));
  ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadVectorFile(o.file));
  ABSL_ASSIGN_OR_RETURN(const LoadOptions options, MakeLoadOptions(o.file));
  const CoverageReport report =
      FindCoverage(loaded.vectors, counter, static_cast<size_t>(o.top), options.threads);
  if (o.json) {
    PrintJson(o, loaded.vectors, report);
  } else {
    PrintText(loaded.vectors, report);
  }
  return kExitOk;
}

}  // namespace

Verb VectorsCoverageVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors coverage",
          .summary = "Measure how much of a task's words vectors know, and what would help",
          .example =
              "graft vectors coverage --vectors glove.6B.50d.txt --data train.tsv --lower-case\n"
              "graft vectors coverage --vectors wiki.en.bin --data reviews.txt --split unicode",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = nullptr,
          .run = [options] { return Cover(*options); }};
}

}  // namespace graft::tools
