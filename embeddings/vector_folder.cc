#include "embeddings/vector_folder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "embeddings/file_bytes.h"
#include "embeddings/row_reader.h"
#include "embeddings/vector_folder_names.h"
#include "embeddings/words_index.h"
#include "models/weights/safetensors.h"

namespace graft {
namespace {

struct OpenedMatrix {
  VectorMatrix matrix;
  std::optional<SubWords> sub_words;
  std::string words_hash;
};

class MatrixFile {
 public:
  static absl::StatusOr<MatrixFile> Open(const std::string& path) {
    MatrixFile self;
    self.path_ = path;
    ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
    ABSL_ASSIGN_OR_RETURN(self.table_, ReadSafetensors(file));
    if (!self.table_.written_by_graft) {
      return self.Error("tensors as graft places them, found another file");
    }
    ABSL_ASSIGN_OR_RETURN(self.bytes_, MapOrRead(file));
    return self;
  }

  absl::StatusOr<OpenedMatrix> Read() const {
    OpenedMatrix opened;
    ABSL_ASSIGN_OR_RETURN(opened.words_hash, Metadata(kWordsHashKey));
    const TensorInfo* const vectors = Find(kVectorsTensor);
    if (vectors == nullptr || vectors->shape.size() != 2) {
      return Error(absl::StrCat("a matrix '", kVectorsTensor, "', found none"));
    }
    VectorMatrix& matrix = opened.matrix;
    matrix.rows = vectors->shape[0];
    matrix.width = vectors->shape[1];
    if (matrix.rows > kMaxWords || matrix.width < 1 || matrix.width > kMaxVectorWidth) {
      return Error(absl::StrCat("at most ", kMaxWords, " rows of 1 to ", kMaxVectorWidth,
                                " numbers, found ", Describe(vectors->dtype, vectors->shape)));
    }
    switch (vectors->dtype) {
      case DType::kF32:
        matrix.storage = VectorStorage::kFloat32;
        break;
      case DType::kF16:
        matrix.storage = VectorStorage::kFloat16;
        break;
      case DType::kI8: {
        matrix.storage = VectorStorage::kInt8;
        ABSL_ASSIGN_OR_RETURN(matrix.scales, Floats(kScalesTensor, {PaddedRows(matrix.rows)}));
        break;
      }
      default:
        return Error(absl::StrCat("a matrix of F32, F16 or I8, found ",
                                  Describe(vectors->dtype, vectors->shape)));
    }
    ABSL_ASSIGN_OR_RETURN(matrix.norms, Floats(kNormsTensor, {PaddedRows(matrix.rows)}));
    matrix.data = bytes_.bytes.data() + vectors->begin;
    matrix.owner = bytes_.owner;
    ABSL_RETURN_IF_ERROR(ReadSubWords(opened));
    return opened;
  }

 private:
  absl::Status Error(std::string_view expected) const {
    return absl::DataLossError(absl::StrCat(path_, ": expected ", expected));
  }

  const TensorInfo* Find(std::string_view name) const {
    const auto found = std::find_if(table_.tensors.begin(), table_.tensors.end(),
                                    [&](const TensorInfo& tensor) { return tensor.name == name; });
    return found == table_.tensors.end() ? nullptr : &*found;
  }

  absl::StatusOr<std::string> Metadata(const char* key) const {
    const auto found = table_.metadata.find(key);
    if (found == table_.metadata.end()) {
      return Error(absl::StrCat("the metadata '", key, "', found none"));
    }
    return found->second;
  }

  absl::StatusOr<const float*> Floats(std::string_view name,
                                      const std::vector<int64_t>& shape) const {
    const TensorInfo* const tensor = Find(name);
    if (tensor == nullptr || tensor->dtype != DType::kF32 || tensor->shape != shape) {
      return Error(
          absl::StrCat(Describe(DType::kF32, shape), " as '", name, "', found ",
                       tensor == nullptr ? "none" : Describe(tensor->dtype, tensor->shape)));
    }
    return reinterpret_cast<const float*>(bytes_.bytes.data() + tensor->begin);
  }

  absl::Status ReadSubWords(OpenedMatrix& opened) const;

  std::string path_;
  WeightTable table_;
  OwnedBytes bytes_;
};

absl::Status MatrixFile::ReadSubWords(OpenedMatrix& opened) const {
  const auto found = table_.metadata.find(kSubWordsKey);
  if (found == table_.metadata.end()) return absl::OkStatus();
  constexpr int64_t kMaxBuckets = INT32_MAX;
  ABSL_ASSIGN_OR_RETURN(const JsonDocument json,
                        JsonDocument::Parse(found->second, absl::StrCat(path_, ": sub_words")));
  const JsonValue root = json.root();
  SubWordRules rules;
  ABSL_ASSIGN_OR_RETURN(const std::string_view kind, root.GetString("kind"));
  if (kind != kFastTextKind && kind != kFloretKind) {
    return root.Error(absl::StrCat("expected the kind ", kFastTextKind, " or ", kFloretKind,
                                   ", found ", Quoted(kind)));
  }
  rules.kind = kind == kFloretKind ? SubWordRules::Kind::kFloret : SubWordRules::Kind::kFastText;
  ABSL_ASSIGN_OR_RETURN(const int64_t min_length, root.GetInt("min_length", 0, 1000));
  ABSL_ASSIGN_OR_RETURN(const int64_t max_length, root.GetInt("max_length", 0, 1000));
  ABSL_ASSIGN_OR_RETURN(rules.buckets, root.GetInt("buckets", 0, kMaxBuckets));
  ABSL_ASSIGN_OR_RETURN(const int64_t hash_count, root.GetInt("hash_count", 1, 4));
  ABSL_ASSIGN_OR_RETURN(const int64_t hash_seed, root.GetInt("hash_seed", 0, UINT32_MAX));
  ABSL_ASSIGN_OR_RETURN(const std::string_view begin_mark, root.GetString("begin_mark"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view end_mark, root.GetString("end_mark"));
  ABSL_ASSIGN_OR_RETURN(const int64_t rows, root.GetInt("rows", 0, kMaxBuckets));
  rules.min_length = static_cast<int>(min_length);
  rules.max_length = static_cast<int>(max_length);
  rules.hash_count = static_cast<int>(hash_count);
  rules.hash_seed = static_cast<uint32_t>(hash_seed);
  rules.begin_mark = std::string(begin_mark);
  rules.end_mark = std::string(end_mark);
  ABSL_ASSIGN_OR_RETURN(const float* const floats,
                        Floats(kNGramsTensor, {PaddedRows(rows), opened.matrix.width}));
  std::optional<std::unordered_map<int64_t, int64_t>> pruned;
  if (const std::optional<JsonValue> list = root.Find("pruned")) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> pairs, list->AsArray());
    pruned.emplace();
    if (rules.kind == SubWordRules::Kind::kFloret || pairs.size() % 2 != 0) {
      return list->Error(absl::StrCat("expected pairs of bucket and row, of fasttext alone, found ",
                                      pairs.size(), " numbers of ", kind));
    }
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
      ABSL_ASSIGN_OR_RETURN(const int64_t bucket, pairs[i].AsInt(0, kMaxBuckets));
      ABSL_ASSIGN_OR_RETURN(const int64_t row, pairs[i + 1].AsInt(0, rows - 1));
      pruned->emplace(bucket, row);
    }
  } else if (rules.buckets != rows) {
    return root.Error(
        absl::StrCat("expected a row for each of ", rules.buckets, " buckets, found ", rows));
  }
  opened.sub_words.emplace(std::move(rules), floats, rows, opened.matrix.width, opened.matrix.owner,
                           std::move(pruned));
  return absl::OkStatus();
}

absl::Status CheckRow(const std::string& path, const VectorMatrix& matrix, int64_t row,
                      absl::Span<const float> floats) {
  for (size_t i = 0; i < floats.size(); ++i) {
    if (!std::isfinite(floats[i])) {
      return absl::DataLossError(absl::StrCat(path, ": row ", row, ": component ", i + 1,
                                              ": expected a finite number, found ", floats[i]));
    }
  }
  // Of the other storages the norm is that of the row before it was rounded: each number by half a
  // step of its own at most, which is a share of it or, of int8 and the smallest halves, the same
  // for all.
  const double norm = matrix.norms[row], found = RowNorm(floats);
  const double root = std::sqrt(static_cast<double>(floats.size()));
  const double bound = matrix.storage == VectorStorage::kFloat32 ? 0
                       : matrix.storage == VectorStorage::kInt8
                           ? 0.51 * root * matrix.scales[row] + 1e-6 * norm
                           : 0x1p-10 * norm + 0x1p-24 * root;
  if (norm == found || std::abs(norm - found) <= bound) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, ": row ", row, ": expected the norm ", RowNorm(floats), ", found ", norm));
}

}  // namespace

float RowNorm(absl::Span<const float> row) {
  double sum = 0;
  for (const float value : row) sum += static_cast<double>(value) * value;
  return static_cast<float>(std::sqrt(sum));
}

float RowScale(absl::Span<const float> row) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::abs(value));
  const float scale = largest / 127;
  if (!std::isfinite(scale * 127)) return std::nextafter(scale, 0.0f);
  // Beside zero floats are far from each other: rounded down, codes would be too large.
  const bool is_tiny = scale < std::numeric_limits<float>::min() && scale * 127 < largest;
  return is_tiny ? std::nextafter(scale, 1.0f) : scale;
}

bool IsVectorFolder(const std::string& path) {
  return IsFolder(path) && PathExists(JoinPath(path, kMatrixName)) &&
         PathExists(JoinPath(path, kIndexName));
}

absl::StatusOr<WordVectors> OpenVectorFolder(const std::string& path) {
  ABSL_RETURN_IF_ERROR(ExpectFolder(path));
  const std::string matrix_path = JoinPath(path, kMatrixName);
  ABSL_ASSIGN_OR_RETURN(const MatrixFile file, MatrixFile::Open(matrix_path));
  ABSL_ASSIGN_OR_RETURN(OpenedMatrix matrix, file.Read());
  ABSL_ASSIGN_OR_RETURN(OpenedWords words, OpenWords(path));
  if (words.words.size() != matrix.matrix.rows || words.hash != matrix.words_hash) {
    return absl::DataLossError(
        absl::StrCat(matrix_path, ": expected a row for each word of ", kWordsName, ", ",
                     words.words.size(), " with check sum ", words.hash, ", found ",
                     matrix.matrix.rows, " rows for words with ", matrix.words_hash));
  }
  return WordVectors(std::move(words.words), std::move(matrix.matrix), std::move(matrix.sub_words));
}

absl::Status VerifyVectorFolder(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const WordVectors vectors, OpenVectorFolder(path));
  ABSL_ASSIGN_OR_RETURN(const OpenedWords words, OpenWords(path));
  ABSL_RETURN_IF_ERROR(VerifyWords(path, words));
  const std::string matrix_path = JoinPath(path, kMatrixName);
  ABSL_ASSIGN_OR_RETURN(const std::string hash, HashFile(matrix_path));
  if (!hash.starts_with(words.matrix_hash)) {
    return absl::DataLossError(absl::StrCat(matrix_path, ": expected bytes with check sum ",
                                            words.matrix_hash, " as ", kIndexName, " says, found ",
                                            hash.substr(0, 16)));
  }
  std::vector<float> row(static_cast<size_t>(vectors.width()));
  for (int64_t i = 0; i < vectors.size(); ++i) {
    vectors.Row(i, absl::MakeSpan(row));
    ABSL_RETURN_IF_ERROR(CheckRow(matrix_path, vectors.matrix(), i, row));
  }
  return absl::OkStatus();
}

}  // namespace graft
