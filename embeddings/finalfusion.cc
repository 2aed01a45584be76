#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "embeddings/binary_reader.h"
#include "embeddings/formats.h"

namespace graft {
namespace {

enum Chunk {
  kHeader = 0,
  kSimpleVocabulary = 1,
  kMatrix = 2,
  kBucketVocabulary = 3,
  kQuantizedMatrix = 4,
  kMetadata = 5,
  kNorms = 6,
  kFastTextVocabulary = 7,
  kExplicitVocabulary = 8,
  kFloretVocabulary = 9,
};
constexpr std::array<const char*, 10> kChunkNames = {"header",
                                                     "a simple vocabulary",
                                                     "a matrix",
                                                     "a vocabulary with finalfusion's n-grams",
                                                     "a quantized matrix",
                                                     "metadata",
                                                     "norms",
                                                     "a vocabulary with fastText's n-grams",
                                                     "a vocabulary with explicit n-grams",
                                                     "a vocabulary with floret's n-grams"};
constexpr int64_t kFloat32Type = 10;

class FinalfusionReader {
 public:
  FinalfusionReader(ByteSource& source, const LoadOptions& options, LoadReport& report)
      : in_(source), options_(options), report_(report) {}

  absl::StatusOr<WordVectors> Read();

 private:
  absl::Status ReadHeader();
  absl::Status ReadChunk(int64_t id, uint64_t size);
  absl::Status ReadWords();
  absl::Status ReadMatrix(uint64_t size);

  BinaryReader in_;
  const LoadOptions& options_;
  LoadReport& report_;
  std::vector<int64_t> chunks_;
  WordsBuilder words_;
  bool has_words_ = false;
  std::optional<SubWordRules> rules_;
  int64_t rows_ = 0;
  int64_t width_ = 0;
  std::shared_ptr<GrowingMemory> matrix_;
};

absl::Status FinalfusionReader::ReadHeader() {
  std::string magic(kFinalfusionMagic.size(), '\0');
  ABSL_RETURN_IF_ERROR(in_.Fill(absl::MakeSpan(magic), "magic"));
  if (magic != kFinalfusionMagic) return in_.Error(0, "magic", "FiFu", Quoted(magic));
  ABSL_RETURN_IF_ERROR(in_.Number<uint32_t>("version", 0, 0).status());
  ABSL_ASSIGN_OR_RETURN(const int64_t count, in_.Number<uint32_t>("number of chunks", 1, 16));
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t at = in_.position();
    ABSL_ASSIGN_OR_RETURN(const int64_t id, in_.Number<uint32_t>("chunk", 1, kFloretVocabulary));
    if (id == kBucketVocabulary || id == kExplicitVocabulary || id == kFloretVocabulary ||
        id == kQuantizedMatrix) {
      return in_.Error(at, "chunk",
                       "a simple vocabulary or one with fastText's n-grams, and a matrix",
                       absl::StrCat(kChunkNames[static_cast<size_t>(id)], ", which is not read"));
    }
    chunks_.push_back(id);
  }
  return absl::OkStatus();
}

absl::Status FinalfusionReader::ReadWords() {
  const uint64_t begin = in_.position();
  ABSL_ASSIGN_OR_RETURN(const int64_t count, in_.Number<uint64_t>("words", 0, kMaxWords));
  if (static_cast<uint64_t>(count) > in_.remaining() / sizeof(uint32_t)) {
    return in_.Error(begin, "words", absl::StrCat("words that fit in ", in_.remaining(), " bytes"),
                     absl::StrCat(count));
  }
  if (rules_) {
    ABSL_ASSIGN_OR_RETURN(const int64_t min, in_.Number<uint32_t>("shortest n-gram", 1, 1000));
    ABSL_ASSIGN_OR_RETURN(const int64_t max, in_.Number<uint32_t>("longest n-gram", min, 1000));
    rules_->min_length = static_cast<int>(min);
    rules_->max_length = static_cast<int>(max);
    ABSL_ASSIGN_OR_RETURN(rules_->buckets, in_.Number<uint32_t>("buckets", 1, INT32_MAX));
  }
  std::string word;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t at = in_.position();
    ABSL_ASSIGN_OR_RETURN(
        const int64_t size,
        in_.Number<uint32_t>("length of a word", 0, static_cast<int64_t>(options_.max_word_bytes)));
    word.resize(static_cast<size_t>(size));
    ABSL_RETURN_IF_ERROR(in_.Fill(absl::MakeSpan(word), "word"));
    if (word.find('\0') != std::string::npos) {
      return in_.Error(at, "word", "a word without NUL", Quoted(word));
    }
    // The place of a row is its word's number: a second one has no place.
    if (!words_.Add(word)) {
      return in_.Error(at, "word", "words that differ", absl::StrCat(Quoted(word), " twice"));
    }
    if (FindInvalidUtf8(word)) NoteBrokenUtf8(word, 0, at, report_);
  }
  has_words_ = true;
  return absl::OkStatus();
}

absl::Status FinalfusionReader::ReadMatrix(uint64_t size) {
  const uint64_t begin = in_.position();
  ABSL_ASSIGN_OR_RETURN(rows_, in_.Number<uint64_t>("rows", 1, 2 * kMaxWords));
  ABSL_ASSIGN_OR_RETURN(width_, in_.Number<uint32_t>("columns", 1, kMaxVectorWidth));
  ABSL_RETURN_IF_ERROR(
      in_.Number<uint32_t>("type of numbers", kFloat32Type, kFloat32Type).status());
  // Padded to a multiple of four; by its own programs with four bytes where it is one already.
  const uint64_t count = static_cast<uint64_t>(rows_) * static_cast<uint64_t>(width_);
  const uint64_t before = in_.position() - begin, bytes = count * sizeof(float);
  const uint64_t padding = size - before - bytes;
  if (size < before + bytes || padding > 4 || (in_.position() + padding) % 4 != 0) {
    return in_.Error(begin, "a matrix",
                     absl::StrCat(rows_, " rows of ", width_, " numbers behind a padding to a ",
                                  "multiple of 4 bytes"),
                     absl::StrCat(size, " bytes"));
  }
  ABSL_RETURN_IF_ERROR(in_.Skip(padding, "padding"));
  const uint64_t at = in_.position();
  ABSL_ASSIGN_OR_RETURN(matrix_, in_.Floats(count, "matrix"));
  return CheckFinite(in_.name(), reinterpret_cast<const float*>(matrix_->data()), rows_, width_,
                     FloatsFrom(at, width_));
}

absl::Status FinalfusionReader::ReadChunk(int64_t id, uint64_t size) {
  const uint64_t begin = in_.position();
  if (size > in_.remaining()) {
    return in_.Error(begin, kChunkNames[static_cast<size_t>(id)],
                     absl::StrCat("a chunk that ends in the file"), absl::StrCat(size, " bytes"));
  }
  switch (id) {
    case kFastTextVocabulary:
      rules_.emplace();
      [[fallthrough]];
    case kSimpleVocabulary:
      if (has_words_) return in_.Error(begin, "chunk", "one vocabulary", "another");
      ABSL_RETURN_IF_ERROR(ReadWords());
      break;
    case kMatrix:
      if (matrix_ != nullptr) return in_.Error(begin, "chunk", "one matrix", "another");
      ABSL_RETURN_IF_ERROR(ReadMatrix(size));
      break;
    default:
      ABSL_RETURN_IF_ERROR(in_.Skip(size, kChunkNames[static_cast<size_t>(id)]));
      break;
  }
  if (in_.position() - begin == size) return absl::OkStatus();
  return in_.Error(begin, kChunkNames[static_cast<size_t>(id)], absl::StrCat(size, " bytes"),
                   absl::StrCat(in_.position() - begin));
}

absl::StatusOr<WordVectors> FinalfusionReader::Read() {
  ABSL_RETURN_IF_ERROR(ReadHeader());
  for (const int64_t expected : chunks_) {
    ABSL_ASSIGN_OR_RETURN(const int64_t id, in_.Number<uint32_t>("chunk", expected, expected));
    ABSL_ASSIGN_OR_RETURN(const uint64_t size, in_.Number<uint64_t>("size of a chunk"));
    ABSL_RETURN_IF_ERROR(ReadChunk(id, size));
    if (id == kNorms) {
      report_.findings.push_back({LoadFinding::Kind::kNote, 0, in_.position() - size,
                                  "the lengths that rows had before they were made one; rows stay "
                                  "as they are stored"});
    }
  }
  ABSL_RETURN_IF_ERROR(in_.ExpectEnd());
  const int64_t words = words_.size();
  const int64_t expected = words + (rules_ ? rules_->buckets : 0);
  if (!has_words_ || matrix_ == nullptr || words < 1 || rows_ != expected) {
    return in_.Error(in_.position(), "chunks",
                     absl::StrCat("words and a matrix of ", expected, " rows"),
                     matrix_ == nullptr ? "no matrix" : absl::StrCat(rows_, " rows"));
  }
  const auto* const floats = reinterpret_cast<const float*>(matrix_->data());
  report_.rows = words;
  report_.width = width_;
  report_.declared_rows = words;
  std::optional<SubWords> sub_words;
  if (rules_) {
    sub_words.emplace(*rules_, floats + words * width_, rules_->buckets, width_, matrix_);
    report_.description =
        absl::StrCat("sub-words of ", rules_->min_length, " to ", rules_->max_length,
                     " characters in ", rules_->buckets, " buckets");
  }
  VectorMatrix matrix = {.rows = words, .width = width_, .data = floats, .owner = matrix_};
  return WordVectors(words_.Finish(), std::move(matrix), std::move(sub_words));
}

}  // namespace

absl::StatusOr<LoadedVectors> ReadFinalfusion(ByteSource& source, const LoadOptions& options,
                                              LoadReport report) {
  report.format = VectorFormat::kFinalfusion;
  FinalfusionReader reader(source, options, report);
  ABSL_ASSIGN_OR_RETURN(WordVectors vectors, reader.Read());
  return LoadedVectors{std::move(vectors), std::move(report)};
}

}  // namespace graft
