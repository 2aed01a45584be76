// graft vectors convert: word vectors in another format.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "embeddings/write.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

struct Options {
  VectorFileOptions file;
  std::string out;
  WriteOptions write;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  DeclareVectorFile(o.file, list);
  list.Text("--out", &o.out, "PATH", "the file, or of graft's format the folder, to write",
            Need::kRequired);
  list.Choice<VectorFormat>("--to", &o.write.format,
                            {{"graft", VectorFormat::kGraft},
                             {"word2vec-text", VectorFormat::kWord2VecText},
                             {"word2vec-binary", VectorFormat::kWord2VecBinary},
                             {"glove", VectorFormat::kGlove}},
                            "the format to write");
  list.Choice<VectorStorage>("--storage", &o.write.storage,
                             {{"float32", VectorStorage::kFloat32},
                              {"float16", VectorStorage::kFloat16},
                              {"int8", VectorStorage::kInt8}},
                             "numbers of graft's folder; int8 has a scale for each row");
  list.Flag("--overwrite", &o.write.replace, "replace what has the name of --out");
  list.Flag("--json", &o.json, "print one JSON object");
}

absl::Status Check(const Options& o) {
  if (o.write.storage == VectorStorage::kFloat32 || o.write.format == VectorFormat::kGraft) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("--storage: expected float32, the numbers of ",
                                                 VectorFormatName(o.write.format), ", found ",
                                                 VectorStorageName(o.write.storage)));
}

// Rows of n-grams that the new format has no place for.
int64_t SubWordsLeftOut(const Options& o, const LoadReport& report) {
  return o.write.format == VectorFormat::kGraft ? 0 : report.sub_words;
}

// What is not in the new file as it was in the old one.
void TellChanges(const Options& o, const LoadReport& report) {
  const auto tell = [&](int64_t count, std::string_view what) {
    if (count == 0) return;
    std::cerr << "graft: " << OneLine(o.file.path) << ": " << WithThousands(count) << " " << what
              << "\n";
  };
  tell(report.duplicates, "rows of words that stand there before are left out");
  tell(SubWordsLeftOut(o, report),
       "rows of n-grams are left out: only the format graft has a place for them, and words "
       "without a row are unknown without them");
}

void Print(const Options& o, const LoadReport& report) {
  if (o.json) {
    const nlohmann::ordered_json json = {{"vectors", o.file.path},
                                         {"format", VectorFormatName(report.format)},
                                         {"out", o.out},
                                         {"to", VectorFormatName(o.write.format)},
                                         {"storage", VectorStorageName(o.write.storage)},
                                         {"rows", report.rows},
                                         {"width", report.width},
                                         {"duplicates", report.duplicates},
                                         {"broken_utf8", report.broken_utf8},
                                         {"skipped", report.skipped},
                                         {"sub_words_left_out", SubWordsLeftOut(o, report)}};
    std::cout << JsonText(json, 2) << '\n';
    return;
  }
  std::cout << Printable(o.file.path) << " (" << VectorFormatName(report.format) << ") to "
            << Printable(o.out) << " (" << VectorFormatName(o.write.format)
            << "): " << WithThousands(report.rows) << " rows of " << report.width << " numbers ("
            << VectorStorageName(o.write.storage) << ")\n";
}

absl::StatusOr<int> Convert(const Options& o) {
  if (!o.write.replace && PathExists(o.out)) {
    return absl::AlreadyExistsError(absl::StrCat(
        o.out, ": expected a new name, found something there; --overwrite replaces it"));
  }
  ABSL_ASSIGN_OR_RETURN(LoadOptions options, MakeLoadOptions(o.file));
  options.progress = FileProgress(o.file.path, "reading");
  ABSL_ASSIGN_OR_RETURN(const LoadReport report,
                        ConvertWordVectors(o.file.path, options, o.out, o.write));
  TellRepairs(o.file.path, report);
  TellChanges(o, report);
  Print(o, report);
  return kExitOk;
}

}  // namespace

Verb VectorsConvertVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors convert",
          .summary = "Write word vectors in another format",
          .example =
              "graft vectors convert --vectors glove.6B.50d.txt --out glove\n"
              "graft vectors convert --vectors glove.6B.50d.txt --out glove-int8 --storage int8\n"
              "graft vectors convert --vectors wiki.en.bin --out wiki.en.txt --to word2vec-text",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Convert(*options); }};
}

}  // namespace graft::tools
