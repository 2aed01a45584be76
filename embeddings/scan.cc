// Reading word vectors without keeping them.
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/utf8.h"
#include "embeddings/byte_source.h"
#include "embeddings/load.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

// Opening graft's folder looks at no words; a place is one in words.txt.
void FindBrokenWords(const Words& words, LoadReport& report) {
  for (int64_t row = 0; row < words.size(); ++row) {
    if (!FindInvalidUtf8(words[row])) continue;
    if (++report.broken_utf8 > LoadReport::kMaxListed) continue;
    report.findings.push_back(
        {LoadFinding::Kind::kBrokenUtf8, 0, words.parts().offsets[static_cast<size_t>(row)],
         absl::StrCat("words.txt: the word ", Quoted(words[row]), " is no UTF-8; kept as it is")});
  }
}

absl::StatusOr<LoadReport> LoadAndConsume(const std::string& path, const LoadOptions& options,
                                          const ConsumeRow& consume) {
  ABSL_ASSIGN_OR_RETURN(LoadedVectors loaded, LoadWordVectors(path, options));
  std::vector<float> row(static_cast<size_t>(loaded.vectors.width()));
  for (int64_t i = 0; i < loaded.vectors.size(); ++i) {
    loaded.vectors.Row(i, absl::MakeSpan(row));
    ABSL_RETURN_IF_ERROR(consume(loaded.vectors.words()[i], row));
  }
  if (loaded.report.format == VectorFormat::kGraft) {
    FindBrokenWords(loaded.vectors.words(), loaded.report);
  }
  return std::move(loaded.report);
}

}  // namespace

absl::StatusOr<LoadReport> ScanWordVectors(const std::string& path, const LoadOptions& given,
                                           const ConsumeRow& consume) {
  LoadOptions options = given;
  options.allow_count_mismatch |= options.repair;
  ABSL_RETURN_IF_ERROR(CheckLoadOptions(path, options));
  if (options.format == VectorFormat::kGraft || IsFolder(path)) {
    return LoadAndConsume(path, options, consume);
  }
  ABSL_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path, options.zip_entry));
  source.SetProgress(options.progress);
  LoadReport report;
  report.source = source.name();
  report.packing = source.packing();
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, OpenRows(source, options, report));
  if (reader == nullptr || reader->floret() != nullptr) {
    return LoadAndConsume(path, options, consume);
  }
  ABSL_RETURN_IF_ERROR(CheckNoWordList(path, options, report.format));
  ABSL_RETURN_IF_ERROR(StreamRows(*reader, source.name(), options, consume, report).status());
  return report;
}

}  // namespace graft
