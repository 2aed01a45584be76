#include "embeddings/fasttext_matrix.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

constexpr int64_t kCentroids = 256;  // of each part of a product quantizer
// A quantized matrix is at most so many times as large as the file: its parts have few numbers.
constexpr uint64_t kMostExpansion = 64;
constexpr uint64_t kSmallMatrix = uint64_t{256} << 20;  // bytes

// One product quantizer: the numbers that codes stand for.
struct Quantizer {
  int64_t parts = 0;
  int64_t part_width = 0;
  std::vector<float> centroids;  // [parts, 256, part_width], the last part narrower
  int64_t last_width = 0;

  // The numbers of a part's code, and how many they are.
  const float* Find(int64_t part, uint8_t code, int64_t& width) const {
    width = part + 1 == parts ? last_width : part_width;
    return centroids.data() + part * kCentroids * part_width + code * width;
  }
};

absl::StatusOr<Quantizer> ReadQuantizer(BinaryReader& in, int64_t width) {
  Quantizer quantizer;
  const uint64_t at = in.position();
  ABSL_RETURN_IF_ERROR(in.Number<int32_t>("dim of the quantizer", width, width).status());
  ABSL_ASSIGN_OR_RETURN(quantizer.parts, in.Number<int32_t>("nsubq", 1, width));
  ABSL_ASSIGN_OR_RETURN(quantizer.part_width, in.Number<int32_t>("dsub", 1, width));
  ABSL_ASSIGN_OR_RETURN(quantizer.last_width, in.Number<int32_t>("lastdsub", 1, width));
  if ((quantizer.parts - 1) * quantizer.part_width + quantizer.last_width != width ||
      quantizer.last_width > quantizer.part_width) {
    return in.Error(at, "quantizer", absl::StrCat("parts of ", width, " numbers together"),
                    absl::StrCat(quantizer.parts, " of ", quantizer.part_width, ", the last of ",
                                 quantizer.last_width));
  }
  const uint64_t begin = in.position();
  const auto count = static_cast<uint64_t>(width * kCentroids);
  if (count > in.remaining() / sizeof(float)) {
    return in.Error(begin, "centroids", absl::StrCat(count, " numbers of 4 bytes"),
                    absl::StrCat("at most ", in.remaining(), " bytes before the end of the file"));
  }
  quantizer.centroids.resize(count);
  ABSL_RETURN_IF_ERROR(in.Fill(absl::MakeSpan(reinterpret_cast<char*>(quantizer.centroids.data()),
                                              quantizer.centroids.size() * sizeof(float)),
                               "centroids"));
  ABSL_RETURN_IF_ERROR(CheckFinite(in.name(), quantizer.centroids.data(), width, kCentroids,
                                   FloatsFrom(begin, kCentroids)));
  return quantizer;
}

absl::StatusOr<std::vector<uint8_t>> ReadCodes(BinaryReader& in, int64_t count) {
  if (static_cast<uint64_t>(count) > in.remaining()) {
    return in.Error(in.position(), "codes", absl::StrCat(count, " bytes"),
                    absl::StrCat("at most ", in.remaining()));
  }
  // Of packed files it is not sure that the bytes come.
  constexpr size_t kStep = size_t{16} << 20;
  std::vector<uint8_t> codes;
  while (codes.size() < static_cast<size_t>(count)) {
    const size_t done = codes.size();
    codes.resize(std::min(static_cast<size_t>(count), done + kStep));
    ABSL_RETURN_IF_ERROR(
        in.Fill(absl::MakeSpan(reinterpret_cast<char*>(codes.data()) + done, codes.size() - done),
                "codes"));
  }
  return codes;
}

}  // namespace

absl::StatusOr<FastTextMatrix> ReadFullMatrix(BinaryReader& in, bool keep) {
  FastTextMatrix matrix;
  ABSL_ASSIGN_OR_RETURN(matrix.rows, in.Number<int64_t>("rows of the matrix", 0, INT32_MAX * 2L));
  ABSL_ASSIGN_OR_RETURN(matrix.width,
                        in.Number<int64_t>("columns of the matrix", 1, kMaxVectorWidth));
  const uint64_t count = static_cast<uint64_t>(matrix.rows) * static_cast<uint64_t>(matrix.width);
  if (!keep) {
    ABSL_RETURN_IF_ERROR(in.Skip(count * sizeof(float), "matrix"));
    return matrix;
  }
  const uint64_t at = in.position();
  ABSL_ASSIGN_OR_RETURN(matrix.memory, in.Floats(count, "matrix"));
  ABSL_RETURN_IF_ERROR(CheckFinite(in.name(), matrix.floats(), matrix.rows, matrix.width,
                                   FloatsFrom(at, matrix.width)));
  return matrix;
}

absl::StatusOr<FastTextMatrix> ReadQuantizedMatrix(BinaryReader& in, bool keep) {
  FastTextMatrix matrix;
  const uint64_t begin = in.position();
  ABSL_ASSIGN_OR_RETURN(const int64_t has_norms, in.Number<uint8_t>("qnorm", 0, 1));
  ABSL_ASSIGN_OR_RETURN(matrix.rows, in.Number<int64_t>("rows of the matrix", 0, INT32_MAX * 2L));
  ABSL_ASSIGN_OR_RETURN(matrix.width,
                        in.Number<int64_t>("columns of the matrix", 1, kMaxVectorWidth));
  ABSL_ASSIGN_OR_RETURN(const int64_t code_size, in.Number<int32_t>("codesize", 0, INT32_MAX));
  ABSL_ASSIGN_OR_RETURN(const std::vector<uint8_t> codes, ReadCodes(in, code_size));
  ABSL_ASSIGN_OR_RETURN(const Quantizer quantizer, ReadQuantizer(in, matrix.width));
  if (code_size != matrix.rows * quantizer.parts) {
    return in.Error(begin, "codesize",
                    absl::StrCat(quantizer.parts, " bytes for each of ", matrix.rows, " rows"),
                    absl::StrCat(code_size));
  }
  std::vector<uint8_t> norm_codes;
  Quantizer norms;
  if (has_norms != 0) {
    ABSL_ASSIGN_OR_RETURN(norm_codes, ReadCodes(in, matrix.rows));
    ABSL_ASSIGN_OR_RETURN(norms, ReadQuantizer(in, 1));
  }
  if (!keep) return matrix;
  const uint64_t bytes =
      static_cast<uint64_t>(matrix.rows) * static_cast<uint64_t>(matrix.width) * sizeof(float);
  if (bytes > std::max(kSmallMatrix, kMostExpansion * (in.position() - begin))) {
    return absl::ResourceExhaustedError(
        absl::StrCat(in.name(), ": byte ", begin, ": expected a matrix of at most ", kMostExpansion,
                     " times its codes, found ", bytes, " bytes from ", in.position() - begin));
  }
  ABSL_ASSIGN_OR_RETURN(GrowingMemory memory, GrowingMemory::Reserve(bytes, in.name()));
  ABSL_RETURN_IF_ERROR(memory.Grow(bytes));
  matrix.memory = std::make_shared<GrowingMemory>(std::move(memory));
  float* out = matrix.floats();
  const uint8_t* code = codes.data();
  for (int64_t row = 0; row < matrix.rows; ++row) {
    int64_t width = 0;
    const float norm =
        has_norms != 0 ? *norms.Find(0, norm_codes[static_cast<size_t>(row)], width) : 1.0f;
    for (int64_t part = 0; part < quantizer.parts; ++part) {
      const float* const numbers = quantizer.Find(part, *code++, width);
      for (int64_t i = 0; i < width; ++i) *out++ = norm * numbers[i];
    }
  }
  // A product of a norm and a number: neither stands at a place of its own.
  ABSL_RETURN_IF_ERROR(CheckFinite(in.name(), matrix.floats(), matrix.rows, matrix.width,
                                   [begin](int64_t, int64_t) { return begin; }));
  return matrix;
}

}  // namespace graft
