#include "embeddings/load.h"

#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "embeddings/byte_source.h"
#include "embeddings/formats.h"
#include "embeddings/row_reader.h"
#include "embeddings/vector_folder.h"

namespace graft {
namespace {

constexpr size_t kFrontBytes = size_t{256} << 10;

absl::StatusOr<LoadedVectors> LoadFolder(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(WordVectors vectors, OpenVectorFolder(path));
  LoadReport report;
  report.source = path;
  report.format = VectorFormat::kGraft;
  report.sub_words = vectors.sub_words() != nullptr ? vectors.sub_words()->row_count() : 0;
  report.rows = vectors.size();
  report.width = vectors.width();
  return LoadedVectors{std::move(vectors), std::move(report)};
}

// A format that does not stand row by row.
std::optional<VectorFormat> FormatInOnePiece(std::string_view front, const LoadOptions& options) {
  using Format = std::pair<VectorFormat, std::string_view>;
  for (const auto& [format, magic] :
       {Format(VectorFormat::kFastText, kFastTextMagic), Format(VectorFormat::kNumpy, kNumpyMagic),
        Format(VectorFormat::kFinalfusion, kFinalfusionMagic)}) {
    if (options.format ? options.format == format : front.starts_with(magic)) return format;
  }
  return std::nullopt;
}

absl::StatusOr<LoadedVectors> LoadInOnePiece(ByteSource& source, const std::string& path,
                                             const LoadOptions& options, LoadReport report) {
  switch (report.format) {
    case VectorFormat::kFastText:
      return ReadFastText(source, options, std::move(report));
    case VectorFormat::kNumpy:
      return ReadNumpy(source, path, options, std::move(report));
    default:
      return ReadFinalfusion(source, options, std::move(report));
  }
}

}  // namespace

absl::Status CheckLoadOptions(const std::string& path, const LoadOptions& options) {
  if (!IsFolder(path)) return absl::OkStatus();
  if (options.format && options.format != VectorFormat::kGraft) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a file of the format ",
                                                   VectorFormatName(*options.format),
                                                   ", found a folder"));
  }
  return CheckNoWordList(path, options, VectorFormat::kGraft);
}

absl::Status CheckNoWordList(const std::string& path, const LoadOptions& options,
                             VectorFormat format) {
  if (options.words_path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a matrix of numpy for the words of ", options.words_path,
                   ", found the format ", VectorFormatName(format)));
}

absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(ByteSource& source, const LoadOptions& options,
                                                    LoadReport& report) {
  if (options.format == VectorFormat::kWord2VecBinary) {
    report.format = VectorFormat::kWord2VecBinary;
    return OpenBinaryRows(source, options);
  }
  ABSL_ASSIGN_OR_RETURN(std::string_view front, source.Peek(kFrontBytes));
  if (const auto found = FormatInOnePiece(front, options)) {
    report.format = *found;
    return nullptr;
  }
  // The first line shows the width.
  size_t looked_at = kFrontBytes;
  while (front.size() == looked_at && looked_at < options.max_line_bytes &&
         front.find('\n') == std::string_view::npos) {
    looked_at *= 4;
    ABSL_ASSIGN_OR_RETURN(front, source.Peek(looked_at));
  }
  ABSL_ASSIGN_OR_RETURN(
      const std::optional<TextLayout> layout,
      FindTextLayout(source.name(), front, front.size() < looked_at, options.format));
  if (!layout) {
    report.format = VectorFormat::kWord2VecBinary;
    return OpenBinaryRows(source, options);
  }
  report.format = layout->format;
  if (layout->has_mark) {
    report.findings.push_back(
        {LoadFinding::Kind::kNote, 1, uint64_t{0}, "a byte-order mark, left out"});
  }
  return OpenTextRows(source, *layout, options);
}

absl::StatusOr<LoadedVectors> LoadWordVectors(const std::string& path, const LoadOptions& given) {
  LoadOptions options = given;
  options.allow_count_mismatch |= options.repair;
  ABSL_RETURN_IF_ERROR(CheckLoadOptions(path, options));
  if (options.format == VectorFormat::kGraft || IsFolder(path)) return LoadFolder(path);
  ABSL_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path, options.zip_entry));
  source.SetProgress(options.progress);
  LoadReport report;
  report.source = source.name();
  report.packing = source.packing();
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, OpenRows(source, options, report));
  if (reader == nullptr) return LoadInOnePiece(source, path, options, std::move(report));
  ABSL_RETURN_IF_ERROR(CheckNoWordList(path, options, report.format));
  ABSL_ASSIGN_OR_RETURN(CollectedRows rows, CollectRows(*reader, source.name(), options, report));
  if (const SubWordRules* const rules = reader->floret()) {
    return MakeFloret(rows, *rules, source.name(), std::move(report));
  }
  return LoadedVectors{WordVectors(std::move(rows.words), std::move(rows.matrix)),
                       std::move(report)};
}

}  // namespace graft
