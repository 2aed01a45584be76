#include "embeddings/write.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/for_tasks.h"
#include "base/utf8.h"
#include "embeddings/byte_source.h"
#include "embeddings/float_text.h"
#include "embeddings/formats.h"
#include "embeddings/row_reader.h"
#include "embeddings/row_writer.h"
#include "embeddings/vector_folder.h"

namespace graft {
namespace {

// A text or binary file of word2vec or GloVe.
class FileWriter : public RowWriter {
 public:
  FileWriter(std::string path, VectorFormat format, DurableFile file)
      : path_(std::move(path)), format_(format), file_(std::move(file)) {}

  absl::Status WriteHeader(int64_t rows, int64_t width) {
    if (format_ == VectorFormat::kGlove) return absl::OkStatus();
    return file_.Append(absl::StrCat(rows, " ", width, "\n"));
  }

  absl::Status Append(std::string_view word, absl::Span<const float> row) override {
    line_.clear();
    ABSL_RETURN_IF_ERROR(NoteFirst(word, row.size()));
    ABSL_RETURN_IF_ERROR(AppendLine(word, row, line_));
    return file_.Append(line_);
  }
  absl::Status AppendAll(const WordVectors& vectors, int64_t threads) override;
  absl::Status Finish() override {
    ABSL_RETURN_IF_ERROR(CheckReadable());
    return file_.Commit();
  }

 private:
  // Thread-safe.
  absl::Status AppendLine(std::string_view word, absl::Span<const float> row,
                          std::string& out) const {
    ABSL_RETURN_IF_ERROR(CheckWord(word));
    out += word;
    if (format_ == VectorFormat::kWord2VecBinary) {
      out += ' ';
      out.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
    } else {
      for (const float value : row) {
        char digits[32] = {' '};
        out.append(digits, std::to_chars(digits + 1, digits + sizeof(digits), value).ptr);
      }
    }
    out += '\n';
    return absl::OkStatus();
  }

  // The format has no header: its readers go by what the first lines look like, 64 of them in the
  // first 256 KiB (FindTextLayout), where a number has 16 bytes at most.
  absl::Status NoteFirst(std::string_view word, size_t width) {
    if (format_ != VectorFormat::kGlove) return absl::OkStatus();
    constexpr size_t kLines = 64, kBytes = size_t{256} << 10, kBytesOfNumber = 16, kOfWord = 1024;
    const size_t most = std::clamp<size_t>(kBytes / (kBytesOfNumber * width + kOfWord), 1, kLines);
    if (looked_at_ >= most) return absl::OkStatus();
    const std::string_view field = word.substr(0, word.find_first_of(" \t"));
    const bool number = EndsInNumber(absl::StrCat(" ", field));
    if (looked_at_ == 0 && (HasForeignMark(word) || (number && width == 1))) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_,
                       ": expected a first row that looks like no header and no other format, "
                       "found the word ",
                       Quoted(word)));
    }
    ++looked_at_;
    has_words_ |= !number;
    return absl::OkStatus();
  }
  // What other formats and packed files begin with, and a byte-order mark.
  static bool HasForeignMark(std::string_view word) {
    constexpr std::string_view kMarks[] = {kFastTextMagic, kNumpyMagic,  kFinalfusionMagic,
                                           "PK\x03\x04",   "PK\x05\x06", "\x1F\x8B",
                                           "\xEF\xBB\xBF"};
    return std::any_of(std::begin(kMarks), std::end(kMarks),
                       [&](std::string_view mark) { return word.starts_with(mark); });
  }
  absl::Status CheckReadable() const {
    if (format_ != VectorFormat::kGlove || has_words_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        path_,
        ": expected a word that is no number in the first rows, which glove is told by, "
        "found none"));
  }

  absl::Status CheckWord(std::string_view word) const {
    const bool binary = format_ == VectorFormat::kWord2VecBinary;
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    bool sound = !word.empty() && word.find('\0') == std::string_view::npos &&
                 word.find('\n') == std::string_view::npos;
    if (sound && binary) sound = word.find(' ') == std::string_view::npos;
    if (sound && !binary) {
      sound = !blank(word.front()) && !blank(word.back()) && !EndsInNumber(word);
    }
    if (sound) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, ": expected words that ",
                                                   VectorFormatName(format_), " can hold, found ",
                                                   Quoted(word)));
  }

  // "word 0.1": readers take the number for a component.
  static bool EndsInNumber(std::string_view word) {
    const size_t blank = word.find_last_of(" \t");
    if (blank == std::string_view::npos) return false;
    const std::string padded =
        absl::StrCat(word.substr(blank + 1), std::string(kFloatTextPadding, ' '));
    const char* p = padded.data();
    float value;
    return ParseFloat(p, value) == FloatText::kNumber && *p == ' ';
  }

  std::string path_;
  VectorFormat format_;
  DurableFile file_;
  std::string line_;
  size_t looked_at_ = 0;  // first rows, whose words tell what the file is
  bool has_words_ = false;
};

// A round of pieces at a time: some for each thread.
absl::Status FileWriter::AppendAll(const WordVectors& vectors, int64_t threads) {
  constexpr int64_t kRowsOfPiece = 128, kPiecesOfThread = 8;
  struct Piece {
    std::string lines;
    absl::Status status;
  };
  std::vector<Piece> pieces(static_cast<size_t>(std::max<int64_t>(1, threads) * kPiecesOfThread));
  const auto width = static_cast<size_t>(vectors.width());
  const auto round = static_cast<int64_t>(pieces.size()) * kRowsOfPiece;
  for (int64_t row = 0; row < vectors.size() && !has_words_; ++row) {
    ABSL_RETURN_IF_ERROR(NoteFirst(vectors.words()[row], width));
  }
  for (int64_t first = 0; first < vectors.size(); first += round) {
    const int64_t end = std::min(vectors.size(), first + round);
    const int64_t count = (end - first + kRowsOfPiece - 1) / kRowsOfPiece;
    ForTasks(threads, count, vectors.width(), [&](int64_t task, float* scratch) {
      Piece& piece = pieces[static_cast<size_t>(task)];
      piece.lines.clear();
      const int64_t begin = first + task * kRowsOfPiece;
      for (int64_t row = begin; row < std::min(end, begin + kRowsOfPiece); ++row) {
        const float* const floats = vectors.matrix().Floats(row, row + 1, scratch);
        piece.status = AppendLine(vectors.words()[row], {floats, width}, piece.lines);
        if (!piece.status.ok()) return;
      }
    });
    for (int64_t task = 0; task < count; ++task) {
      const Piece& piece = pieces[static_cast<size_t>(task)];
      ABSL_RETURN_IF_ERROR(piece.status);
      ABSL_RETURN_IF_ERROR(file_.Append(piece.lines));
    }
  }
  return absl::OkStatus();
}

class FolderWriter : public RowWriter {
 public:
  explicit FolderWriter(VectorFolderWriter writer) : writer_(std::move(writer)) {}
  absl::Status Append(std::string_view, absl::Span<const float> row) override {
    return writer_.Append(row);
  }
  absl::Status Finish() override { return writer_.Finish(); }

 private:
  VectorFolderWriter writer_;
};

}  // namespace

absl::Status RowWriter::AppendAll(const WordVectors& vectors, int64_t) {
  std::vector<float> scratch(static_cast<size_t>(vectors.width()));
  for (int64_t row = 0; row < vectors.size(); ++row) {
    const float* const floats = vectors.matrix().Floats(row, row + 1, scratch.data());
    ABSL_RETURN_IF_ERROR(Append(vectors.words()[row], {floats, scratch.size()}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RowWriter>> CreateRowWriter(const std::string& path,
                                                           const WriteOptions& options,
                                                           const Words& words,
                                                           VectorFolderPlan plan) {
  switch (options.format) {
    case VectorFormat::kGraft: {
      plan.storage = options.storage;
      plan.replace = options.replace;
      ABSL_ASSIGN_OR_RETURN(VectorFolderWriter writer,
                            VectorFolderWriter::Create(path, words, std::move(plan)));
      return std::make_unique<FolderWriter>(std::move(writer));
    }
    case VectorFormat::kWord2VecText:
    case VectorFormat::kWord2VecBinary:
    case VectorFormat::kGlove: {
      if (plan.rows == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(path,
                         ": expected vectors of words, found a model of sub-words alone, "
                         "which only the format graft holds"));
      }
      ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
      auto writer = std::make_unique<FileWriter>(path, options.format, std::move(file));
      ABSL_RETURN_IF_ERROR(writer->WriteHeader(plan.rows, plan.width));
      return writer;
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          path,
          ": expected a format that is written: graft, word2vec-text, word2vec-binary or "
          "glove; found ",
          VectorFormatName(options.format)));
  }
}

absl::Status WriteWordVectors(const WordVectors& vectors, const std::string& path,
                              const WriteOptions& options) {
  VectorFolderPlan plan = {.rows = vectors.size(),
                           .width = vectors.width(),
                           .norms = {},
                           .scales = {},
                           .sub_words = vectors.sub_words()};
  const VectorMatrix& matrix = vectors.matrix();
  // Rows that stay as they are stored keep what was measured before they were rounded.
  const bool as_stored = options.storage == matrix.storage && matrix.norms != nullptr;
  if (options.format == VectorFormat::kGraft && as_stored) {
    plan.norms.assign(matrix.norms, matrix.norms + matrix.rows);
    if (matrix.scales != nullptr) plan.scales.assign(matrix.scales, matrix.scales + matrix.rows);
  } else if (options.format == VectorFormat::kGraft) {
    const auto rows = static_cast<size_t>(vectors.size());
    const bool scaled = options.storage == VectorStorage::kInt8;
    plan.norms.resize(rows);
    plan.scales.resize(scaled ? rows : 0);
    constexpr int64_t kRowsOfTask = 1024;
    const int64_t tasks = (vectors.size() + kRowsOfTask - 1) / kRowsOfTask;
    ForTasks(options.threads, tasks, vectors.width(), [&](int64_t task, float* scratch) {
      const int64_t end = std::min(vectors.size(), (task + 1) * kRowsOfTask);
      for (int64_t i = task * kRowsOfTask; i < end; ++i) {
        const absl::Span<const float> row(matrix.Floats(i, i + 1, scratch),
                                          static_cast<size_t>(vectors.width()));
        plan.norms[static_cast<size_t>(i)] = RowNorm(row);
        if (scaled) plan.scales[static_cast<size_t>(i)] = RowScale(row);
      }
    });
  }
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer,
                        CreateRowWriter(path, options, vectors.words(), std::move(plan)));
  ABSL_RETURN_IF_ERROR(writer->AppendAll(vectors, options.threads));
  return writer->Finish();
}

namespace {

// Reads the file row by row, and gives its words, or nullopt for a format that does not stand so.
absl::StatusOr<std::optional<Words>> Stream(const std::string& path, const LoadOptions& options,
                                            const ConsumeRow& consume, LoadReport& report) {
  ABSL_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(path, options.zip_entry));
  source.SetProgress(options.progress);
  report.source = source.name();
  report.packing = source.packing();
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, OpenRows(source, options, report));
  if (reader == nullptr || reader->floret() != nullptr) return std::nullopt;
  ABSL_RETURN_IF_ERROR(CheckNoWordList(path, options, report.format));
  return StreamRows(*reader, source.name(), options, consume, report);
}

}  // namespace

absl::StatusOr<LoadReport> ConvertWordVectors(const std::string& from, const LoadOptions& given,
                                              const std::string& to, const WriteOptions& write) {
  LoadOptions load = given;
  load.allow_count_mismatch |= load.repair;
  // What is written anew has right check sums, whatever it was made of.
  if (IsFolder(from)) ABSL_RETURN_IF_ERROR(VerifyVectorFolder(from));
  VectorFolderPlan plan;
  LoadReport report;
  std::optional<Words> words;
  if (!IsFolder(from)) {
    const bool scales = write.storage == VectorStorage::kInt8;
    const auto measure = [&](std::string_view, absl::Span<const float> row) {
      plan.norms.push_back(RowNorm(row));
      if (scales) plan.scales.push_back(RowScale(row));
      return absl::OkStatus();
    };
    ABSL_ASSIGN_OR_RETURN(words, Stream(from, load, measure, report));
  }
  if (!words) {
    plan = {};
    ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadWordVectors(from, load));
    ABSL_RETURN_IF_ERROR(WriteWordVectors(loaded.vectors, to, write));
    LoadReport told = loaded.report;
    if (const SubWords* const own = loaded.vectors.sub_words()) told.sub_words = own->row_count();
    return told;
  }
  plan.rows = report.rows;
  plan.width = report.width;
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer,
                        CreateRowWriter(to, write, *words, std::move(plan)));
  int64_t rows = 0;
  const auto append = [&](std::string_view word, absl::Span<const float> row) {
    if (rows >= words->size() || word != (*words)[rows]) {
      return absl::DataLossError(absl::StrCat(from, ": row ", rows,
                                              ": expected the word that was read before, found ",
                                              Quoted(word), ": the file changed meanwhile"));
    }
    ++rows;
    return writer->Append(word, row);
  };
  LoadReport again;
  ABSL_RETURN_IF_ERROR(Stream(from, load, append, again).status());
  if (rows != words->size()) {
    return absl::DataLossError(absl::StrCat(from, ": expected ", words->size(),
                                            " rows as before, found ", rows,
                                            ": the file changed meanwhile"));
  }
  ABSL_RETURN_IF_ERROR(writer->Finish());
  return report;
}

}  // namespace graft
