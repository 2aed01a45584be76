#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"
#include "embeddings/binary_reader.h"
#include "embeddings/formats.h"
#include "models/weights/float_conversion.h"

namespace graft {
namespace {

struct NumpyHeader {
  std::string type;  // '<f4'
  bool fortran = false;
  int64_t rows = 0;
  int64_t width = 0;
};

// What stands behind a key in the header, a Python dictionary of a fixed form.
std::optional<std::string_view> ValueOf(std::string_view header, std::string_view key) {
  const size_t at = header.find(absl::StrCat("'", key, "':"));
  if (at == std::string_view::npos) return std::nullopt;
  header.remove_prefix(at + key.size() + 3);
  while (header.starts_with(' ')) header.remove_prefix(1);
  return header;
}

std::optional<int64_t> TakeNumber(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  int64_t number = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (digits > 17) return std::nullopt;
    number = number * 10 + (text[digits] - '0');
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

std::optional<NumpyHeader> ParseHeader(std::string_view text) {
  const auto type = ValueOf(text, "descr"), order = ValueOf(text, "fortran_order");
  auto shape = ValueOf(text, "shape");
  if (!type || !order || !shape || type->size() < 5 || type->front() != '\'') return std::nullopt;
  NumpyHeader header;
  header.type = std::string(type->substr(1, type->find('\'', 1) - 1));
  header.fortran = order->starts_with("True");
  if (!header.fortran && !order->starts_with("False")) return std::nullopt;
  if (!absl::ConsumePrefix(&*shape, "(")) return std::nullopt;
  const auto rows = TakeNumber(*shape);
  if (!rows || !absl::ConsumePrefix(&*shape, ",")) return std::nullopt;
  const auto width = TakeNumber(*shape);
  if (!width || !absl::ConsumePrefix(&*shape, ")")) return std::nullopt;
  header.rows = *rows;
  header.width = *width;
  return header;
}

absl::StatusOr<NumpyHeader> ReadHeader(BinaryReader& in) {
  std::string magic(kNumpyMagic.size(), '\0');
  ABSL_RETURN_IF_ERROR(in.Fill(absl::MakeSpan(magic), "magic"));
  if (magic != kNumpyMagic) return in.Error(0, "magic", "a file of NumPy", Quoted(magic));
  ABSL_ASSIGN_OR_RETURN(const int64_t version, in.Number<uint8_t>("version", 1, 3));
  ABSL_RETURN_IF_ERROR(in.Number<uint8_t>("minor version", 0, 0).status());
  constexpr int64_t kMaxHeader = 65'536;
  int64_t size = 0;
  if (version == 1) {
    ABSL_ASSIGN_OR_RETURN(size, in.Number<uint16_t>("header", 1, kMaxHeader));
  } else {
    ABSL_ASSIGN_OR_RETURN(size, in.Number<uint32_t>("header", 1, kMaxHeader));
  }
  const uint64_t at = in.position();
  std::string text(static_cast<size_t>(size), '\0');
  ABSL_RETURN_IF_ERROR(in.Fill(absl::MakeSpan(text), "header"));
  const std::optional<NumpyHeader> header = ParseHeader(text);
  if (!header || header->rows < 1 || header->rows > kMaxWords || header->width < 1 ||
      header->width > kMaxVectorWidth) {
    return in.Error(at, "header",
                    "'descr', 'fortran_order' and the 'shape' of a matrix with 1 to 65536 columns",
                    Quoted(text, 200));
  }
  if (header->type != "<f4" && header->type != "<f8" && header->type != "<f2") {
    return in.Error(at, "descr", "<f4, <f8 or <f2", Quoted(header->type));
  }
  return *header;
}

uint64_t BytesOfNumber(const NumpyHeader& header) {
  return header.type == "<f4" ? 4 : header.type == "<f8" ? 8 : 2;
}

PlaceOfNumber PlaceIn(const NumpyHeader& header, uint64_t begin) {
  return [header, begin](int64_t row, int64_t i) {
    const int64_t number = header.fortran ? i * header.rows + row : row * header.width + i;
    return begin + static_cast<uint64_t>(number) * BytesOfNumber(header);
  };
}

// Numbers of the file as float32.
template <typename T>
float ToFloat(T value) {
  if constexpr (std::is_same_v<T, uint16_t>) {
    return HalfToFloat(value);
  } else {
    return static_cast<float>(value);
  }
}

// Reads piece by piece: a column or a row of the file at a time into its place.
template <typename T>
absl::Status ReadNumbers(BinaryReader& in, const NumpyHeader& header, float* out) {
  const int64_t outer = header.fortran ? header.width : header.rows;
  const int64_t inner = header.fortran ? header.rows : header.width;
  // A block of rows of the result at a time where it stands column by column: writes stay near.
  std::vector<T> piece(static_cast<size_t>(std::min<int64_t>(inner, 1 << 16)));
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t begin = 0; begin < inner; begin += static_cast<int64_t>(piece.size())) {
      const int64_t count = std::min<int64_t>(static_cast<int64_t>(piece.size()), inner - begin);
      ABSL_RETURN_IF_ERROR(in.Fill(absl::MakeSpan(reinterpret_cast<char*>(piece.data()),
                                                  static_cast<size_t>(count) * sizeof(T)),
                                   "matrix"));
      for (int64_t j = 0; j < count; ++j) {
        const float value = ToFloat<T>(piece[static_cast<size_t>(j)]);
        const int64_t at = header.fortran ? (begin + j) * header.width + i : i * inner + begin + j;
        out[at] = value;
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<GrowingMemory>> ReadMatrix(BinaryReader& in,
                                                          const NumpyHeader& header) {
  const auto count = static_cast<uint64_t>(header.rows) * static_cast<uint64_t>(header.width);
  const uint64_t size = BytesOfNumber(header);
  if (count > in.remaining() / size) {
    return in.Error(in.position(), "matrix", absl::StrCat(count * size, " bytes"),
                    absl::StrCat("at most ", in.remaining()));
  }
  if (size == 4 && !header.fortran) return in.Floats(count, "matrix");
  ABSL_ASSIGN_OR_RETURN(GrowingMemory memory, GrowingMemory::Reserve(4 * count, in.name()));
  ABSL_RETURN_IF_ERROR(memory.Grow(4 * count));
  auto* const out = reinterpret_cast<float*>(memory.data());
  if (size == 4) {
    ABSL_RETURN_IF_ERROR(ReadNumbers<float>(in, header, out));
  } else if (size == 8) {
    ABSL_RETURN_IF_ERROR(ReadNumbers<double>(in, header, out));
  } else {
    ABSL_RETURN_IF_ERROR(ReadNumbers<uint16_t>(in, header, out));
  }
  return std::make_shared<GrowingMemory>(std::move(memory));
}

// The list's words into the index; rows of duplicates are left out of the matrix.
absl::Status ReadWords(const std::string& path, const LoadOptions& options, VectorMatrix& matrix,
                       float* floats, WordsBuilder& words, LoadReport& report) {
  absl::StatusOr<ByteSource> opened = ByteSource::Open(path);
  if (!opened.ok()) {
    return {opened.status().code(),
            absl::StrCat(opened.status().message(), ": the words of the matrix, one a line")};
  }
  ByteSource source = *std::move(opened);
  words.Reserve(matrix.rows, static_cast<size_t>(matrix.rows) * 8);
  const auto error = [&](int64_t line, uint64_t at, const auto&... parts) {
    return absl::DataLossError(PlacedMessage(path, line, at, absl::StrCat("expected ", parts...)));
  };
  const int64_t rows = matrix.rows;
  int64_t line = 0, kept = 0;
  uint64_t offset = 0;
  std::string buffer(size_t{1} << 20, '\0'), rest;
  bool at_end = false;
  while (!at_end) {
    ABSL_ASSIGN_OR_RETURN(const size_t got, source.Read(absl::MakeSpan(buffer)));
    ABSL_RETURN_IF_ERROR(source.fault());
    at_end = got < buffer.size();
    rest.append(buffer, 0, got);
    if (at_end && !rest.empty() && rest.back() != '\n') rest += '\n';
    size_t begin = 0;
    for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string_view word = std::string_view(rest).substr(begin, end - begin);
      const uint64_t at = offset + begin;
      absl::ConsumeSuffix(&word, "\r");
      if (++line > rows) {
        return error(line, at, "the end of the list after ", rows, " words, found more");
      }
      if (word.empty() || word.size() > options.max_word_bytes) {
        return error(line, at, "a word of 1 to ", options.max_word_bytes, " bytes, found one of ",
                     word.size());
      }
      if (word.find('\0') != std::string_view::npos) {
        return error(line, at, "a word without NUL, found ", Quoted(word));
      }
      if (!words.Add(word)) {
        NoteDuplicate(word, line, at, report);
        continue;
      }
      if (FindInvalidUtf8(word)) NoteBrokenUtf8(word, line, at, report);
      if (kept != line - 1) {
        std::memmove(floats + kept * matrix.width, floats + (line - 1) * matrix.width,
                     static_cast<size_t>(matrix.width) * sizeof(float));
      }
      ++kept;
    }
    rest.erase(0, begin);
    offset += begin;
    if (rest.size() > options.max_word_bytes + 2) {
      return error(line + 1, offset, "a word of at most ", options.max_word_bytes,
                   " bytes, found a longer one");
    }
  }
  if (line != rows) return error(line, offset, rows, " words, one for each row, found ", line);
  matrix.rows = kept;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadedVectors> ReadNumpy(ByteSource& source, const std::string& path,
                                        const LoadOptions& options, LoadReport report) {
  report.format = VectorFormat::kNumpy;
  BinaryReader in(source);
  ABSL_ASSIGN_OR_RETURN(const NumpyHeader header, ReadHeader(in));
  const uint64_t at = in.position();
  ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<GrowingMemory> memory, ReadMatrix(in, header));
  ABSL_RETURN_IF_ERROR(in.ExpectEnd());
  auto* const floats = reinterpret_cast<float*>(memory->data());
  ABSL_RETURN_IF_ERROR(
      CheckFinite(in.name(), floats, header.rows, header.width, PlaceIn(header, at)));
  VectorMatrix matrix = {
      .rows = header.rows, .width = header.width, .data = floats, .owner = memory};
  std::string words_path = options.words_path;
  if (words_path.empty()) words_path = absl::StrCat(absl::StripSuffix(path, ".npy"), ".txt");
  WordsBuilder words;
  ABSL_RETURN_IF_ERROR(ReadWords(words_path, options, matrix, floats, words, report));
  if (header.type == "<f8") {
    report.findings.push_back(
        {LoadFinding::Kind::kNote, 0, std::nullopt, "numbers of float64, rounded to float32"});
  }
  report.declared_rows = header.rows;
  report.rows = matrix.rows;
  report.width = matrix.width;
  return LoadedVectors{WordVectors(words.Finish(), std::move(matrix)), std::move(report)};
}

}  // namespace graft
