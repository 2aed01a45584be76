#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/checked_size.h"
#include "base/utf8.h"
#include "embeddings/binary_reader.h"
#include "embeddings/formats.h"

namespace graft {
namespace {

constexpr int32_t kMagic = 793712314;
constexpr int64_t kCentroids = 256;  // of each part of a product quantizer
// A quantized matrix is at most so many times as large as the file: its parts have few numbers.
constexpr uint64_t kMostExpansion = 64;
constexpr uint64_t kSmallMatrix = uint64_t{256} << 20;  // bytes

enum Loss { kHierarchical = 1, kNegative = 2, kSoftmax = 3, kOneVsAll = 4 };
enum Model { kCbow = 1, kSkipGram = 2, kSupervised = 3 };

// The members of fastText's Args that matter for vectors.
struct Args {
  int64_t version = 0;
  int64_t width = 0;
  int64_t loss = 0;
  int64_t model = 0;
  int64_t word_ngrams = 0;
  int64_t buckets = 0;
  int64_t min_length = 0;
  int64_t max_length = 0;
};

struct Dictionary {
  int64_t words = 0;
  int64_t labels = 0;
  std::vector<std::string> names;  // of the words
  std::vector<uint64_t> places;    // where they stand
  std::optional<std::unordered_map<int64_t, int64_t>> pruned;
};

struct Matrix {
  int64_t rows = 0;
  int64_t width = 0;
  std::shared_ptr<GrowingMemory> memory;
  float* floats() const { return reinterpret_cast<float*>(memory->data()); }
};

class FastTextReader {
 public:
  FastTextReader(ByteSource& source, const LoadOptions& options, LoadReport& report)
      : in_(source), options_(options), report_(report) {}

  absl::StatusOr<WordVectors> Read();

 private:
  absl::Status ReadArgs();
  absl::Status ReadDictionary();
  absl::Status ReadPruned(int64_t count);
  absl::StatusOr<Matrix> ReadMatrix(bool keep);
  absl::StatusOr<Matrix> ReadQuantized(bool keep);
  absl::Status CheckInput(const Matrix& input, bool quantized);
  absl::Status CheckOutput(const Matrix& output) const;
  absl::StatusOr<WordVectors> Assemble(Matrix input);
  void Describe(bool quantized);

  BinaryReader in_;
  const LoadOptions& options_;
  LoadReport& report_;
  Args args_;
  Dictionary dictionary_;
};

absl::Status FastTextReader::ReadArgs() {
  ABSL_RETURN_IF_ERROR(in_.Number<int32_t>("magic number", kMagic, kMagic).status());
  ABSL_ASSIGN_OR_RETURN(args_.version, in_.Number<int32_t>("version", 11, 12));
  ABSL_ASSIGN_OR_RETURN(args_.width, in_.Number<int32_t>("dim", 1, kMaxVectorWidth));
  constexpr int64_t kMost = INT32_MAX;
  for (const char* name : {"ws", "epoch", "minCount", "neg"}) {
    ABSL_RETURN_IF_ERROR(in_.Number<int32_t>(name, 0, kMost).status());
  }
  ABSL_ASSIGN_OR_RETURN(args_.word_ngrams, in_.Number<int32_t>("wordNgrams", 0, kMost));
  ABSL_ASSIGN_OR_RETURN(args_.loss, in_.Number<int32_t>("loss", kHierarchical, kOneVsAll));
  ABSL_ASSIGN_OR_RETURN(args_.model, in_.Number<int32_t>("model", kCbow, kSupervised));
  ABSL_ASSIGN_OR_RETURN(args_.buckets, in_.Number<int32_t>("bucket", 0, kMost));
  ABSL_ASSIGN_OR_RETURN(args_.min_length, in_.Number<int32_t>("minn", 0, 1000));
  const uint64_t at = in_.position();
  ABSL_ASSIGN_OR_RETURN(args_.max_length, in_.Number<int32_t>("maxn", 0, 1000));
  if (args_.max_length > 0 && args_.min_length > args_.max_length) {
    return in_.Error(at, "maxn", absl::StrCat("at least minn, ", args_.min_length),
                     absl::StrCat(args_.max_length));
  }
  ABSL_RETURN_IF_ERROR(in_.Number<int32_t>("lrUpdateRate", 0, kMost).status());
  ABSL_RETURN_IF_ERROR(in_.Number<double>("t").status());
  // Supervised models of version 11 had no n-grams of characters.
  if (args_.version == 11 && args_.model == kSupervised) args_.max_length = 0;
  return absl::OkStatus();
}

absl::Status FastTextReader::ReadDictionary() {
  const uint64_t begin = in_.position();
  ABSL_ASSIGN_OR_RETURN(const int64_t size, in_.Number<int32_t>("size", 0, INT32_MAX));
  ABSL_ASSIGN_OR_RETURN(dictionary_.words, in_.Number<int32_t>("nwords", 0, INT32_MAX));
  ABSL_ASSIGN_OR_RETURN(dictionary_.labels, in_.Number<int32_t>("nlabels", 0, INT32_MAX));
  ABSL_RETURN_IF_ERROR(in_.Number<int64_t>("ntokens", 0, INT64_MAX).status());
  ABSL_ASSIGN_OR_RETURN(const int64_t pruned, in_.Number<int64_t>("pruneidx_size", -1, INT32_MAX));
  if (size != dictionary_.words + dictionary_.labels) {
    return in_.Error(begin, "size", "nwords and nlabels together",
                     absl::StrCat(size, ", ", dictionary_.words, " and ", dictionary_.labels));
  }
  constexpr uint64_t kEntry = 1 + 8 + 1;  // an empty name, its count and type
  if (static_cast<uint64_t>(size) > in_.remaining() / kEntry) {
    return in_.Error(begin, "size", absl::StrCat("entries that fit in ", in_.remaining(), " bytes"),
                     absl::StrCat(size));
  }
  for (int64_t i = 0; i < size; ++i) {
    const uint64_t at = in_.position();
    ABSL_ASSIGN_OR_RETURN(std::string name, in_.Until('\0', options_.max_word_bytes, "entry"));
    ABSL_RETURN_IF_ERROR(in_.Number<int64_t>("count", 0, INT64_MAX).status());
    constexpr int64_t kWord = 0, kLabel = 1;
    // Words come first, as everybody who knows a row by its number relies on.
    const int64_t type = i < dictionary_.words ? kWord : kLabel;
    ABSL_RETURN_IF_ERROR(in_.Number<int8_t>("type of entry", type, type).status());
    if (type == kWord) {
      dictionary_.names.push_back(std::move(name));
      dictionary_.places.push_back(at);
    }
  }
  return pruned < 0 ? absl::OkStatus() : ReadPruned(pruned);
}

absl::Status FastTextReader::ReadPruned(int64_t count) {
  dictionary_.pruned.emplace();
  const uint64_t begin = in_.position();
  if (static_cast<uint64_t>(count) > in_.remaining() / 8) {
    return in_.Error(begin, "pruneidx_size",
                     absl::StrCat("entries that fit in ", in_.remaining(), " bytes"),
                     absl::StrCat(count));
  }
  for (int64_t i = 0; i < count; ++i) {
    ABSL_ASSIGN_OR_RETURN(const int64_t bucket,
                          in_.Number<int32_t>("pruned bucket", 0, args_.buckets - 1));
    ABSL_ASSIGN_OR_RETURN(const int64_t row, in_.Number<int32_t>("pruned row", 0, count - 1));
    dictionary_.pruned->emplace(bucket, row);
  }
  return absl::OkStatus();
}

absl::StatusOr<Matrix> FastTextReader::ReadMatrix(bool keep) {
  Matrix matrix;
  ABSL_ASSIGN_OR_RETURN(matrix.rows, in_.Number<int64_t>("rows of the matrix", 0, INT32_MAX * 2L));
  ABSL_ASSIGN_OR_RETURN(matrix.width,
                        in_.Number<int64_t>("columns of the matrix", 1, kMaxVectorWidth));
  const uint64_t count = static_cast<uint64_t>(matrix.rows) * static_cast<uint64_t>(matrix.width);
  if (!keep) {
    ABSL_RETURN_IF_ERROR(in_.Skip(count * sizeof(float), "matrix"));
    return matrix;
  }
  const uint64_t at = in_.position();
  ABSL_ASSIGN_OR_RETURN(matrix.memory, in_.Floats(count, "matrix"));
  ABSL_RETURN_IF_ERROR(CheckFinite(in_.name(), at, matrix.floats(), matrix.rows, matrix.width));
  return matrix;
}

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
  quantizer.centroids.resize(static_cast<size_t>(width * kCentroids));
  const uint64_t begin = in.position();
  ABSL_RETURN_IF_ERROR(in.Fill(absl::MakeSpan(reinterpret_cast<char*>(quantizer.centroids.data()),
                                              quantizer.centroids.size() * sizeof(float)),
                               "centroids"));
  ABSL_RETURN_IF_ERROR(
      CheckFinite(in.name(), begin, quantizer.centroids.data(), width, kCentroids));
  return quantizer;
}

absl::StatusOr<std::vector<uint8_t>> ReadCodes(BinaryReader& in, int64_t count) {
  if (static_cast<uint64_t>(count) > in.remaining()) {
    return in.Error(in.position(), "codes", absl::StrCat(count, " bytes"),
                    absl::StrCat("at most ", in.remaining()));
  }
  std::vector<uint8_t> codes(static_cast<size_t>(count));
  ABSL_RETURN_IF_ERROR(
      in.Fill(absl::MakeSpan(reinterpret_cast<char*>(codes.data()), codes.size()), "codes"));
  return codes;
}

absl::StatusOr<Matrix> FastTextReader::ReadQuantized(bool keep) {
  Matrix matrix;
  const uint64_t begin = in_.position();
  ABSL_ASSIGN_OR_RETURN(const int64_t has_norms, in_.Number<uint8_t>("qnorm", 0, 1));
  ABSL_ASSIGN_OR_RETURN(matrix.rows, in_.Number<int64_t>("rows of the matrix", 0, INT32_MAX * 2L));
  ABSL_ASSIGN_OR_RETURN(matrix.width,
                        in_.Number<int64_t>("columns of the matrix", 1, kMaxVectorWidth));
  ABSL_ASSIGN_OR_RETURN(const int64_t code_size, in_.Number<int32_t>("codesize", 0, INT32_MAX));
  ABSL_ASSIGN_OR_RETURN(const std::vector<uint8_t> codes, ReadCodes(in_, code_size));
  ABSL_ASSIGN_OR_RETURN(const Quantizer quantizer, ReadQuantizer(in_, matrix.width));
  if (code_size != matrix.rows * quantizer.parts) {
    return in_.Error(begin, "codesize",
                     absl::StrCat(quantizer.parts, " bytes for each of ", matrix.rows, " rows"),
                     absl::StrCat(code_size));
  }
  std::vector<uint8_t> norm_codes;
  Quantizer norms;
  if (has_norms != 0) {
    ABSL_ASSIGN_OR_RETURN(norm_codes, ReadCodes(in_, matrix.rows));
    ABSL_ASSIGN_OR_RETURN(norms, ReadQuantizer(in_, 1));
  }
  if (!keep) return matrix;
  const uint64_t bytes =
      static_cast<uint64_t>(matrix.rows) * static_cast<uint64_t>(matrix.width) * sizeof(float);
  if (bytes > std::max(kSmallMatrix, kMostExpansion * (in_.position() - begin))) {
    return absl::ResourceExhaustedError(absl::StrCat(
        in_.name(), ": byte ", begin, ": expected a matrix of at most ", kMostExpansion,
        " times its codes, found ", bytes, " bytes from ", in_.position() - begin));
  }
  ABSL_ASSIGN_OR_RETURN(GrowingMemory memory, GrowingMemory::Reserve(bytes, in_.name()));
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
  ABSL_RETURN_IF_ERROR(CheckFinite(in_.name(), begin, matrix.floats(), matrix.rows, matrix.width));
  return matrix;
}

absl::Status FastTextReader::CheckInput(const Matrix& input, bool quantized) {
  const bool is_pruned = dictionary_.pruned.has_value();
  const int64_t rows =
      dictionary_.words +
      (is_pruned ? static_cast<int64_t>(dictionary_.pruned->size()) : args_.buckets);
  if (is_pruned && !quantized) {
    return in_.Error(in_.position(), "pruned dictionary", "a quantized matrix",
                     "one of full numbers");
  }
  if (input.rows == rows && input.width == args_.width) return absl::OkStatus();
  return in_.Error(
      in_.position(), "input matrix",
      absl::StrCat(rows, " rows of ", args_.width, ", as the dictionary has words and n-grams"),
      absl::StrCat(input.rows, " of ", input.width));
}

absl::Status FastTextReader::CheckOutput(const Matrix& output) const {
  const int64_t rows = args_.model == kSupervised ? dictionary_.labels : dictionary_.words;
  if (output.rows == rows && output.width == args_.width) return absl::OkStatus();
  return in_.Error(in_.position(), "output matrix", absl::StrCat(rows, " rows of ", args_.width),
                   absl::StrCat(output.rows, " of ", output.width));
}

void FastTextReader::Describe(bool quantized) {
  constexpr std::array<const char*, 4> kModels = {"", "cbow", "skip-gram", "supervised"};
  constexpr std::array<const char*, 5> kLosses = {"", "hierarchical softmax", "negative sampling",
                                                  "softmax", "one against all"};
  report_.description =
      absl::StrCat(kModels[static_cast<size_t>(args_.model)], ", ",
                   kLosses[static_cast<size_t>(args_.loss)], ", version ", args_.version);
  if (args_.model == kSupervised) {
    absl::StrAppend(&report_.description, ", ", dictionary_.labels, " labels, n-grams of up to ",
                    args_.word_ngrams, " words: a classifier, whose word vectors are read");
  }
  if (args_.max_length > 0) {
    absl::StrAppend(&report_.description, ", sub-words of ", args_.min_length, " to ",
                    args_.max_length, " characters in ", args_.buckets, " buckets");
  }
  if (quantized) absl::StrAppend(&report_.description, ", quantized");
  if (dictionary_.pruned) {
    absl::StrAppend(&report_.description, ", pruned to ", dictionary_.pruned->size(), " n-grams");
  }
}

// Turns the first rows of the input matrix into the vectors of the words, in place: a word's own
// row is needed for itself alone. FastText::getWordVector.
absl::StatusOr<WordVectors> FastTextReader::Assemble(Matrix input) {
  const int64_t width = args_.width, ngram_rows = input.rows - dictionary_.words;
  float* const floats = input.floats();
  const SubWordRules rules = {.min_length = static_cast<int>(args_.min_length),
                              .max_length = static_cast<int>(args_.max_length),
                              .buckets = args_.buckets,
                              .begin_mark = "<",
                              .end_mark = ">"};
  const bool has_ngrams = args_.max_length > 0 && args_.buckets > 0;
  const SubWords sub_words(rules, floats + dictionary_.words * width, ngram_rows, width,
                           input.memory, std::move(dictionary_.pruned));
  WordsBuilder words;
  words.Reserve(dictionary_.words, static_cast<size_t>(dictionary_.words) * 10);
  int64_t kept = 0;
  for (int64_t row = 0; row < dictionary_.words; ++row) {
    const std::string& word = dictionary_.names[static_cast<size_t>(row)];
    const uint64_t at = dictionary_.places[static_cast<size_t>(row)];
    if (!words.Add(word)) {
      NoteDuplicate(word, 0, at, report_);
      continue;
    }
    if (FindInvalidUtf8(word)) NoteBrokenUtf8(word, 0, at, report_);
    float* const out = floats + kept++ * width;
    std::memmove(out, floats + row * width, static_cast<size_t>(width) * sizeof(float));
    if (!has_ngrams) continue;
    const std::vector<int64_t> ngrams = sub_words.RowsOf(word);
    for (const int64_t ngram : ngrams) {
      const float* const from = sub_words.rows() + ngram * width;
      for (int64_t i = 0; i < width; ++i) out[i] += from[i];
    }
    const auto scale = static_cast<float>(1.0 / static_cast<double>(ngrams.size() + 1));
    for (int64_t i = 0; i < width; ++i) out[i] *= scale;
  }
  report_.rows = kept;
  report_.width = width;
  report_.declared_rows = dictionary_.words;
  VectorMatrix matrix = {.rows = kept, .width = width, .data = floats, .owner = input.memory};
  std::optional<SubWords> given;
  if (has_ngrams) given = sub_words;
  return WordVectors(words.Finish(), std::move(matrix), std::move(given));
}

absl::StatusOr<WordVectors> FastTextReader::Read() {
  ABSL_RETURN_IF_ERROR(ReadArgs());
  ABSL_RETURN_IF_ERROR(ReadDictionary());
  ABSL_ASSIGN_OR_RETURN(const int64_t quantized, in_.Number<uint8_t>("quant_input", 0, 1));
  Matrix input;
  if (quantized != 0) {
    ABSL_ASSIGN_OR_RETURN(input, ReadQuantized(true));
  } else {
    ABSL_ASSIGN_OR_RETURN(input, ReadMatrix(true));
  }
  ABSL_RETURN_IF_ERROR(CheckInput(input, quantized != 0));
  // The output matrix is not needed, but that it is there tells that the file is whole.
  ABSL_ASSIGN_OR_RETURN(const int64_t quantized_output, in_.Number<uint8_t>("qout", 0, 1));
  Matrix output;
  if (quantized_output != 0) {
    ABSL_ASSIGN_OR_RETURN(output, ReadQuantized(false));
  } else {
    ABSL_ASSIGN_OR_RETURN(output, ReadMatrix(false));
  }
  ABSL_RETURN_IF_ERROR(CheckOutput(output));
  ABSL_RETURN_IF_ERROR(in_.ExpectEnd());
  if (dictionary_.words == 0) {
    return in_.Error(in_.position(), "nwords", "at least one word", "none");
  }
  Describe(quantized != 0);
  return Assemble(std::move(input));
}

}  // namespace

void NoteBrokenUtf8(std::string_view word, int64_t line, uint64_t offset, LoadReport& report) {
  if (++report.broken_utf8 > LoadReport::kMaxListed) return;
  report.findings.push_back(
      {LoadFinding::Kind::kBrokenUtf8, line, offset,
       absl::StrCat("the word ", Quoted(word), " is no UTF-8; kept as it is")});
}

void NoteDuplicate(std::string_view word, int64_t line, uint64_t offset, LoadReport& report) {
  if (++report.duplicates > LoadReport::kMaxListed) return;
  report.findings.push_back(
      {LoadFinding::Kind::kDuplicate, line, offset,
       absl::StrCat("the word ", Quoted(word), " again; the first row counts")});
}

absl::StatusOr<LoadedVectors> ReadFastText(ByteSource& source, const LoadOptions& options,
                                           LoadReport report) {
  report.format = VectorFormat::kFastText;
  FastTextReader reader(source, options, report);
  ABSL_ASSIGN_OR_RETURN(WordVectors vectors, reader.Read());
  return LoadedVectors{std::move(vectors), std::move(report)};
}

absl::StatusOr<LoadedVectors> MakeFloret(CollectedRows rows, SubWordRules rules,
                                         const std::string& name, LoadReport report) {
  for (int64_t row = 0; row < rows.words.size(); ++row) {
    if (rows.words[row] != absl::StrCat(row)) {
      return absl::DataLossError(absl::StrCat(name, ":", row + 2, ": expected the row of number ",
                                              row, ", found ", Quoted(rows.words[row])));
    }
  }
  if (rows.matrix.rows != rules.buckets) {
    return absl::DataLossError(absl::StrCat(name, ": expected ", rules.buckets,
                                            " rows, one for each bucket, found ",
                                            rows.matrix.rows));
  }
  report.description =
      absl::StrCat("sub-words of ", rules.min_length, " to ", rules.max_length, " characters, ",
                   rules.hash_count, " hashes in ", rules.buckets, " buckets, no words");
  const int64_t width = rows.matrix.width, buckets = rules.buckets;
  SubWords sub_words(std::move(rules), static_cast<const float*>(rows.matrix.data), buckets, width,
                     rows.matrix.owner);
  VectorMatrix none = {
      .rows = 0, .width = width, .data = rows.matrix.data, .owner = rows.matrix.owner};
  report.rows = 0;
  return LoadedVectors{WordVectors(Words(), std::move(none), std::move(sub_words)),
                       std::move(report)};
}

}  // namespace graft
