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
#include "base/utf8.h"
#include "embeddings/binary_reader.h"
#include "embeddings/fasttext_matrix.h"
#include "embeddings/finite.h"
#include "embeddings/formats.h"

namespace graft {
namespace {

constexpr int32_t kMagic = 793712314;

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

class FastTextReader {
 public:
  FastTextReader(ByteSource& source, const LoadOptions& options, LoadReport& report)
      : in_(source), options_(options), report_(report) {}

  absl::StatusOr<WordVectors> Read();

 private:
  absl::Status ReadArgs();
  absl::Status ReadDictionary();
  absl::Status ReadPruned(int64_t count);
  absl::Status CheckInput(const FastTextMatrix& input, bool quantized);
  absl::Status CheckOutput(const FastTextMatrix& output) const;
  absl::StatusOr<WordVectors> Assemble(const FastTextMatrix& input);
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
    // Two rows of one bucket would leave a row beyond the matrix.
    if (!dictionary_.pruned->emplace(bucket, row).second) {
      return in_.Error(in_.position() - 8, "pruned bucket", "each bucket once",
                       absl::StrCat(bucket, " again"));
    }
  }
  return absl::OkStatus();
}

absl::Status FastTextReader::CheckInput(const FastTextMatrix& input, bool quantized) {
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

absl::Status FastTextReader::CheckOutput(const FastTextMatrix& output) const {
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
absl::StatusOr<WordVectors> FastTextReader::Assemble(const FastTextMatrix& input) {
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
    if (!AllFinite(out, width)) {
      return in_.Error(at, "word",
                       absl::StrCat("a finite mean of ", Quoted(word), " and its n-grams"),
                       "a sum that no float holds");
    }
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
  FastTextMatrix input;
  if (quantized != 0) {
    ABSL_ASSIGN_OR_RETURN(input, ReadQuantizedMatrix(in_, true));
  } else {
    ABSL_ASSIGN_OR_RETURN(input, ReadFullMatrix(in_, true));
  }
  ABSL_RETURN_IF_ERROR(CheckInput(input, quantized != 0));
  // The output matrix is not needed, but that it is there tells that the file is whole.
  ABSL_ASSIGN_OR_RETURN(const int64_t quantized_output, in_.Number<uint8_t>("qout", 0, 1));
  FastTextMatrix output;
  // As FastText::loadModel: both or none.
  if (quantized != 0 && quantized_output != 0) {
    ABSL_ASSIGN_OR_RETURN(output, ReadQuantizedMatrix(in_, false));
  } else {
    ABSL_ASSIGN_OR_RETURN(output, ReadFullMatrix(in_, false));
  }
  ABSL_RETURN_IF_ERROR(CheckOutput(output));
  ABSL_RETURN_IF_ERROR(in_.ExpectEnd());
  if (dictionary_.words == 0) {
    return in_.Error(in_.position(), "nwords", "at least one word", "none");
  }
  Describe(quantized != 0);
  return Assemble(input);
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

absl::StatusOr<LoadedVectors> MakeFloret(const CollectedRows& rows, SubWordRules rules,
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
