// Reading word vectors without keeping them.
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "base/file.h"
#include "embeddings/byte_source.h"
#include "embeddings/load.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

absl::StatusOr<LoadReport> LoadAndConsume(const std::string& path, const LoadOptions& options,
                                          const ConsumeRow& consume) {
  ABSL_ASSIGN_OR_RETURN(LoadedVectors loaded, LoadWordVectors(path, options));
  std::vector<float> row(static_cast<size_t>(loaded.vectors.width()));
  for (int64_t i = 0; i < loaded.vectors.size(); ++i) {
    loaded.vectors.Row(i, absl::MakeSpan(row));
    ABSL_RETURN_IF_ERROR(consume(loaded.vectors.words()[i], row));
  }
  return std::move(loaded.report);
}

}  // namespace

absl::StatusOr<LoadReport> ScanWordVectors(const std::string& path, const LoadOptions& given,
                                           const ConsumeRow& consume) {
  LoadOptions options = given;
  options.allow_count_mismatch |= options.repair;
  if (options.format == VectorFormat::kGraft || IsFolder(path)) {
    return LoadAndConsume(path, options, consume);
  }
  ABSL_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path, options.zip_entry));
  source.SetProgress(options.progress);
  LoadReport report;
  report.packing = source.packing();
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, OpenRows(source, options, report));
  if (reader == nullptr || reader->floret() != nullptr) {
    return LoadAndConsume(path, options, consume);
  }
  ABSL_RETURN_IF_ERROR(StreamRows(*reader, source.name(), options, consume, report).status());
  return report;
}

}  // namespace graft
