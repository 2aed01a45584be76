// word2vec's binary format: a line "V D", and for each word its bytes, a blank, and D float32
// (https://code.google.com/archive/p/word2vec, word2vec.c). Its own program and gensim write a line
// end behind each row, GoogleNews has none.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "embeddings/finite.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

constexpr size_t kBatchBytes = size_t{512} << 10;
constexpr size_t kMaxHeader = 256;

class BinaryRows : public RowReader {
 public:
  BinaryRows(ByteSource& source, CountLine counts, const LoadOptions& options)
      : source_(source),
        counts_(counts),
        options_(options),
        // A number of rows that may lie is none to stop at.
        last_row_(options.allow_count_mismatch ? INT64_MAX : counts.rows) {}

  int64_t width() const override { return counts_.width; }
  std::optional<int64_t> declared_rows() const override { return counts_.rows; }
  int64_t max_rows() const override {
    return static_cast<int64_t>(std::min<uint64_t>(source_.max_size() / (vector_bytes() + 1) + 1,
                                                   static_cast<uint64_t>(kMaxWords)));
  }
  absl::StatusOr<bool> Take(RowBatch& batch) override;
  void Parse(RowBatch& batch, float* floats) const override;

 private:
  size_t vector_bytes() const { return static_cast<size_t>(counts_.width) * sizeof(float); }
  absl::Status Error(uint64_t offset, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(PlacedMessage(
        source_.name(), 0, offset, absl::StrCat("expected ", expected, ", found ", found)));
  }
  absl::Status CheckEnd();
  bool ParseSound(RowBatch& batch, float* floats) const;
  void ParseEach(RowBatch& batch, float* floats) const;
  absl::StatusOr<size_t> WholeRows(RowBatch& batch, size_t filled);

  ByteSource& source_;
  const CountLine counts_;
  const LoadOptions options_;
  const int64_t last_row_;
  std::string carry_;
  int64_t rows_ = 0;
};

absl::Status BinaryRows::CheckEnd() {
  std::string rest(2, '\0');
  ABSL_ASSIGN_OR_RETURN(const size_t got, source_.Read(absl::MakeSpan(rest)));
  ABSL_RETURN_IF_ERROR(source_.fault());
  carry_.append(rest, 0, got);
  if (carry_.empty() || carry_ == "\n") return absl::OkStatus();
  return Error(source_.position() - carry_.size(),
               absl::StrCat("the end of the file after ", counts_.rows, " rows"), "more bytes");
}

// Counts the rows that are whole in the first `filled` bytes; gives where they end.
absl::StatusOr<size_t> BinaryRows::WholeRows(RowBatch& batch, size_t filled) {
  const char* const begin = batch.bytes.data();
  size_t at = 0;
  batch.lines = 0;
  batch.blanks.clear();
  while (rows_ + batch.lines < last_row_) {
    const size_t searched = std::min(filled - at, options_.max_word_bytes + 2);
    const void* const blank = std::memchr(begin + at, ' ', searched);
    if (blank == nullptr) {
      if (searched == options_.max_word_bytes + 2) {
        return Error(
            batch.offset + at,
            absl::StrCat("a word of at most ", options_.max_word_bytes, " bytes and a blank"),
            "no blank");
      }
      break;
    }
    const size_t vector = static_cast<size_t>(static_cast<const char*>(blank) - begin) + 1;
    if (filled - vector < vector_bytes()) break;
    batch.blanks.push_back(static_cast<uint32_t>(vector) - 1);
    at = vector + vector_bytes();
    ++batch.lines;
  }
  return at;
}

absl::StatusOr<bool> BinaryRows::Take(RowBatch& batch) {
  batch.first_line = 0;
  if (rows_ == last_row_) {
    ABSL_RETURN_IF_ERROR(CheckEnd());
    return false;
  }
  const size_t room = std::max(kBatchBytes, vector_bytes() + options_.max_word_bytes + 4);
  batch.bytes.resize(std::max(batch.bytes.size(), room));
  std::memcpy(batch.bytes.data(), carry_.data(), carry_.size());
  batch.offset = source_.position() - carry_.size();
  ABSL_ASSIGN_OR_RETURN(
      const size_t got,
      source_.Read(absl::MakeSpan(batch.bytes.data() + carry_.size(), room - carry_.size())));
  const size_t filled = carry_.size() + got;
  carry_.clear();
  ABSL_ASSIGN_OR_RETURN(batch.size, WholeRows(batch, filled));
  if (batch.lines == 0) {
    // A whole row fits: the file ends here, or cannot be read further.
    ABSL_RETURN_IF_ERROR(source_.fault());
    if (options_.allow_count_mismatch && (filled == 0 || (filled == 1 && batch.bytes[0] == '\n'))) {
      return false;
    }
    const std::string of = options_.allow_count_mismatch ? "" : absl::StrCat(" of ", counts_.rows);
    return Error(batch.offset + filled,
                 absl::StrCat("row ", rows_ + 1, of, " with ", counts_.width, " components"),
                 "the end of the file");
  }
  carry_.assign(batch.bytes.data() + batch.size, filled - batch.size);
  batch.capacity = batch.lines;
  rows_ += batch.lines;
  return true;
}

void BinaryRows::Parse(RowBatch& batch, float* floats) const {
  if (ParseSound(batch, floats)) return;
  batch.ClearParsed();
  ParseEach(batch, floats);
}

// All rows; false when one of them is not sound, and then what was parsed is of no use.
bool BinaryRows::ParseSound(RowBatch& batch, float* floats) const {
  const char* const begin = batch.bytes.data();
  size_t at = 0;
  float* out = floats;
  for (int64_t i = 0; i < batch.lines; ++i, out += counts_.width) {
    const size_t blank = batch.blanks[static_cast<size_t>(i)];
    const size_t word = at + (begin[at] == '\n' ? 1 : 0);
    if (!AddWord({begin + word, blank - word}, static_cast<uint32_t>(i), at,
                 options_.max_word_bytes, batch)
             .empty()) {
      return false;
    }
    std::memcpy(out, begin + blank + 1, vector_bytes());
    at = blank + 1 + vector_bytes();
  }
  return AllFinite(floats, batch.lines * counts_.width);
}

void BinaryRows::ParseEach(RowBatch& batch, float* floats) const {
  const char* const begin = batch.bytes.data();
  size_t at = 0;
  for (int64_t i = 0; i < batch.lines; ++i) {
    const size_t row = at, blank = batch.blanks[static_cast<size_t>(i)];
    const size_t word = row + (begin[row] == '\n' ? 1 : 0);
    at = blank + 1 + vector_bytes();
    float* const out = floats + static_cast<int64_t>(batch.keys.size()) * counts_.width;
    std::memcpy(out, begin + blank + 1, vector_bytes());
    std::string problem;
    if (!AllFinite(out, counts_.width)) {
      int64_t j = 0;
      while (std::isfinite(out[j])) ++j;
      problem = ComponentError(j, absl::StrCat(out[j]));
    } else {
      problem = AddWord({begin + word, blank - word}, static_cast<uint32_t>(i), row,
                        options_.max_word_bytes, batch);
    }
    if (!problem.empty()) batch.problems.push_back({0, batch.offset + row, std::move(problem)});
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenBinaryRows(ByteSource& source,
                                                          const LoadOptions& options) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view front, source.Peek(kMaxHeader));
  const size_t end = front.find('\n');
  const auto counts = ParseCountLine(front.substr(0, std::min(end, front.size())));
  if (end == std::string_view::npos || !counts) {
    return absl::DataLossError(PlacedMessage(
        source.name(), 1, 0,
        absl::StrCat("expected the numbers of rows and of components and a line end, found ",
                     front.empty() ? "an empty file" : Quoted(front.substr(0, end)))));
  }
  ABSL_RETURN_IF_ERROR(CheckCountLine(source.name(), *counts,
                                      static_cast<uint64_t>(counts->width) * sizeof(float) + 2,
                                      source.max_size(), options.allow_count_mismatch));
  std::string header(end + 1, '\0');
  ABSL_RETURN_IF_ERROR(source.Read(absl::MakeSpan(header)).status());
  return std::make_unique<BinaryRows>(source, *counts, options);
}

}  // namespace graft
