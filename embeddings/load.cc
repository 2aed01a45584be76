#include "embeddings/load.h"

#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "embeddings/byte_source.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

constexpr size_t kFrontBytes = size_t{256} << 10;

absl::StatusOr<LoadedVectors> Collect(RowReader& reader, const ByteSource& source,
                                      const LoadOptions& options, LoadReport report) {
  ABSL_ASSIGN_OR_RETURN(CollectedRows rows, CollectRows(reader, source.name(), options, report));
  return LoadedVectors{WordVectors(std::move(rows.words), std::move(rows.matrix)),
                       std::move(report)};
}

absl::StatusOr<LoadedVectors> LoadBinary(ByteSource& source, const LoadOptions& options,
                                         LoadReport report) {
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, OpenBinaryRows(source, options));
  report.format = VectorFormat::kWord2VecBinary;
  return Collect(*reader, source, options, std::move(report));
}

absl::StatusOr<LoadedVectors> LoadText(ByteSource& source, const LoadOptions& options,
                                       LoadReport report) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view front, source.Peek(kFrontBytes));
  ABSL_ASSIGN_OR_RETURN(
      const std::optional<TextLayout> layout,
      FindTextLayout(source.name(), front, front.size() < kFrontBytes, options.format));
  if (!layout) return LoadBinary(source, options, std::move(report));
  report.format = layout->format;
  if (layout->has_mark) {
    report.findings.push_back({LoadFinding::Kind::kNote, 1, 0, "a byte-order mark, left out"});
  }
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader,
                        OpenTextRows(source, *layout, options));
  return Collect(*reader, source, options, std::move(report));
}

}  // namespace

absl::StatusOr<LoadedVectors> LoadWordVectors(const std::string& path, const LoadOptions& given) {
  LoadOptions options = given;
  options.allow_count_mismatch |= options.repair;
  ABSL_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path, options.zip_entry));
  LoadReport report;
  report.packing = source.packing();
  if (options.format == VectorFormat::kWord2VecBinary) {
    return LoadBinary(source, options, std::move(report));
  }
  return LoadText(source, options, std::move(report));
}

}  // namespace graft
