// graft vectors info: what a file of word vectors holds.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"
#include "embeddings/norm_statistics.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  VectorFileOptions file;
  bool json = false;
};

struct Facts {
  const LoadReport& report;
  const WordVectors& vectors;
  NormStatistics norms;
  int64_t broken_words = 0;
  uint64_t matrix_bytes = 0, word_bytes = 0, sub_word_bytes = 0;

  uint64_t bytes() const { return matrix_bytes + word_bytes + sub_word_bytes; }
};

Facts FindFacts(const LoadedVectors& loaded) {
  const WordVectors& vectors = loaded.vectors;
  Facts facts = {.report = loaded.report, .vectors = vectors, .norms = {}};
  std::vector<float> row(static_cast<size_t>(vectors.width()));
  for (int64_t i = 0; i < vectors.size(); ++i) {
    vectors.Row(i, absl::MakeSpan(row));
    facts.norms.Add(vectors.words()[i], row);
    facts.broken_words += FindInvalidUtf8(vectors.words()[i]).has_value();
  }
  const VectorMatrix& matrix = vectors.matrix();
  const int64_t beside = (matrix.scales != nullptr) + (matrix.norms != nullptr);
  facts.matrix_bytes = static_cast<uint64_t>(
      matrix.rows * (matrix.width * VectorStorageBytes(matrix.storage) + 4 * beside));
  const Words::Parts& words = vectors.words().parts();
  facts.word_bytes = words.bytes.size() + 8 * (words.offsets.size() + words.slots.size());
  if (const SubWords* const sub_words = vectors.sub_words()) {
    facts.sub_word_bytes = static_cast<uint64_t>(4 * sub_words->row_count() * sub_words->width());
  }
  return facts;
}

ordered_json SubWordsJson(const SubWords* sub_words) {
  if (sub_words == nullptr) return nullptr;
  const SubWordRules& rules = sub_words->rules();
  return {{"kind", rules.kind == SubWordRules::Kind::kFloret ? "floret" : "fasttext"},
          {"min_length", rules.min_length},
          {"max_length", rules.max_length},
          {"buckets", rules.buckets},
          {"rows", sub_words->row_count()}};
}

ordered_json Json(const Options& o, const Facts& facts) {
  const LoadReport& report = facts.report;
  return {{"vectors", o.file.path},
          {"format", VectorFormatName(report.format)},
          {"packing", report.packing},
          {"description", report.description},
          {"rows", report.rows},
          {"width", report.width},
          {"declared_rows",
           report.declared_rows ? ordered_json(*report.declared_rows) : ordered_json(nullptr)},
          {"storage", VectorStorageName(facts.vectors.matrix().storage)},
          {"sub_words", SubWordsJson(facts.vectors.sub_words())},
          {"norms",
           {{"least", facts.norms.least()},
            {"mean", facts.norms.mean()},
            {"deviation", facts.norms.deviation()},
            {"most", facts.norms.most()},
            {"zeros", facts.norms.zeros()}}},
          {"memory",
           {{"matrix", facts.matrix_bytes},
            {"words", facts.word_bytes},
            {"sub_words", facts.sub_word_bytes}}},
          {"duplicates", report.duplicates},
          {"broken_utf8", facts.broken_words},
          {"skipped", report.skipped}};
}

void PrintText(const Options& o, const Facts& facts) {
  const LoadReport& report = facts.report;
  Table table({{""}, {""}});
  table.AddRow({"vectors", Printable(o.file.path)});
  table.AddRow(
      {"format", absl::StrCat(VectorFormatName(report.format), report.packing.empty() ? "" : ", ",
                              report.packing, report.description.empty() ? "" : ": ",
                              Printable(report.description))});
  table.AddRow({"rows", WithThousands(report.rows)});
  table.AddRow({"width", WithThousands(report.width)});
  table.AddRow({"numbers", std::string(VectorStorageName(facts.vectors.matrix().storage))});
  if (const SubWords* const sub_words = facts.vectors.sub_words()) {
    table.AddRow({"sub-words", absl::StrCat(WithThousands(sub_words->row_count()),
                                            " rows for n-grams of ", sub_words->rules().min_length,
                                            " to ", sub_words->rules().max_length, " characters")});
  }
  const NormStatistics& norms = facts.norms;
  table.AddRow({"norms", absl::StrFormat("%.4f to %.4f, mean %.4f, deviation %.4f", norms.least(),
                                         norms.most(), norms.mean(), norms.deviation())});
  table.AddRow({"rows of zeros", WithThousands(norms.zeros())});
  table.AddRow({"memory", absl::StrCat(ByteCount(facts.bytes()), " (", ByteCount(facts.word_bytes),
                                       " of it words and their index)")});
  table.AddRow(
      {"duplicates", absl::StrCat(WithThousands(report.duplicates),
                                  report.duplicates > 0 ? " (the first row counts)" : "")});
  table.AddRow({"broken words", absl::StrCat(WithThousands(facts.broken_words),
                                             facts.broken_words > 0 ? " (no UTF-8, kept)" : "")});
  std::cout << table.ToString();
}

absl::StatusOr<int> Inform(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadVectorFile(o.file));
  const Facts facts = FindFacts(loaded);
  if (o.json) {
    std::cout << JsonText(Json(o, facts), 2) << '\n';
  } else {
    PrintText(o, facts);
  }
  return kExitOk;
}

}  // namespace

Verb VectorsInfoVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors info",
          .summary = "Tell the format, size, norms, memory and oddities of word vectors",
          .example =
              "graft vectors info --vectors glove.6B.50d.txt\n"
              "graft vectors info --vectors wiki.en.bin --json",
          .declare =
              [options](OptionList& list) {
                DeclareVectorFile(options->file, list);
                list.Flag("--json", &options->json, "print one JSON object");
              },
          .check = nullptr,
          .run = [options] { return Inform(*options); }};
}

}  // namespace graft::tools
