#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "embeddings/float_text.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

// Large enough that threads seldom meet, small enough to stay in a cache.
constexpr size_t kBatchBytes = size_t{512} << 10;
// Behind the text of a batch: what ends a last line, and what ParseFloat may look at.
constexpr size_t kPadding = 1 + kFloatTextPadding;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Empty lines before `end` belong to what follows: at the end of the file they are no rows.
size_t EndOfLines(const char* begin, size_t end) {
  constexpr int kMost = 1000;
  for (int i = 0; i < kMost; ++i) {
    size_t line = end - 1;
    line -= line > 0 && begin[line - 1] == '\r' ? 1 : 0;
    if (line == 0 || begin[line - 1] != '\n') break;
    end = line;
  }
  return end;
}

class TextRows : public RowReader {
 public:
  TextRows(ByteSource& source, TextLayout layout, const LoadOptions& options)
      : source_(source), layout_(std::move(layout)), options_(options) {}

  absl::Status SkipHeader() {
    std::string header(layout_.header_bytes, '\0');
    ABSL_RETURN_IF_ERROR(source_.Read(absl::MakeSpan(header)).status());
    lines_ = layout_.format == VectorFormat::kGlove ? 0 : 1;
    header_lines_ = lines_;
    return absl::OkStatus();
  }

  int64_t width() const override { return layout_.width; }
  std::optional<int64_t> declared_rows() const override { return layout_.declared_rows; }
  bool lacks_line_end() const override { return lacks_line_end_; }
  const SubWordRules* floret() const override {
    return layout_.format == VectorFormat::kFloret ? &layout_.floret : nullptr;
  }
  int64_t max_rows() const override {
    return static_cast<int64_t>(
        std::min<uint64_t>(source_.max_size() / row_bytes() + 1, kMaxWords));
  }

  absl::StatusOr<bool> Take(RowBatch& batch) override;
  void Parse(RowBatch& batch, float* floats) const override;

 private:
  // The shortest row: a letter, and for each component a blank and a digit; and the line end.
  uint64_t row_bytes() const { return 2 * static_cast<uint64_t>(layout_.width) + 2; }
  absl::Status Fill(RowBatch& batch);
  absl::Status CheckCount(const RowBatch& batch, int64_t more) const;
  std::string ParseSlowly(std::string_view line, uint32_t line_number, uint64_t offset,
                          RowBatch& batch, float* out) const;
  std::string DescribeFields(std::string_view line) const;

  ByteSource& source_;
  const TextLayout layout_;
  const LoadOptions options_;
  std::string carry_;  // the begin of a line
  bool at_end_ = false;
  bool lacks_line_end_ = false;
  int64_t lines_ = 0;
  int64_t header_lines_ = 0;
};

// Whole lines, as many as are in the next bytes, at least one.
absl::Status TextRows::Fill(RowBatch& batch) {
  batch.size = 0;
  size_t room = std::max(kBatchBytes, 2 * carry_.size());
  batch.bytes.resize(std::max(batch.bytes.size(), room + kPadding));
  std::memcpy(batch.bytes.data(), carry_.data(), carry_.size());
  batch.size = carry_.size();
  batch.offset = source_.position() - carry_.size();
  carry_.clear();
  while (!at_end_) {
    const size_t searched = batch.size;
    ABSL_ASSIGN_OR_RETURN(
        const size_t got,
        source_.Read(absl::MakeSpan(batch.bytes.data() + batch.size, room - batch.size)));
    at_end_ = got < room - batch.size && source_.fault().ok();
    batch.size += got;
    const auto* const begin = batch.bytes.data();
    const void* const last = ::memrchr(begin + searched, '\n', batch.size - searched);
    if (last != nullptr && !at_end_) {
      const size_t end =
          EndOfLines(begin, static_cast<size_t>(static_cast<const char*>(last) - begin) + 1);
      carry_.assign(begin + end, batch.size - end);
      batch.size = end;
      return absl::OkStatus();
    }
    if (at_end_) break;
    if (batch.size > options_.max_line_bytes) {
      return absl::ResourceExhaustedError(
          PlacedMessage(source_.name(), lines_ + 1, batch.offset,
                        absl::StrCat("expected a line of at most ", options_.max_line_bytes,
                                     " bytes, found a longer one")));
    }
    room *= 2;
    batch.bytes.resize(room + kPadding);
  }
  return absl::OkStatus();
}

absl::Status TextRows::CheckCount(const RowBatch& batch, int64_t more) const {
  if (!layout_.declared_rows || options_.allow_count_mismatch) return absl::OkStatus();
  const int64_t declared = *layout_.declared_rows;
  const int64_t before = lines_ - header_lines_;
  if (before + more > declared) {
    const char* at = batch.bytes.data();
    for (int64_t i = before; i < declared; ++i) {
      at = static_cast<const char*>(std::memchr(at, '\n', batch.size)) + 1;
    }
    return absl::DataLossError(
        PlacedMessage(source_.name(), declared + header_lines_ + 1,
                      batch.offset + static_cast<uint64_t>(at - batch.bytes.data()),
                      absl::StrCat("expected the end of the file after the ", declared,
                                   " rows that the first line announces, found more")));
  }
  if (at_end_ && carry_.empty() && before + more < declared) {
    return absl::DataLossError(PlacedMessage(
        source_.name(), lines_ + more + 1, source_.position(),
        absl::StrCat("expected ", declared, " rows, as the first line announces, found ",
                     before + more, " and the end of the file")));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TextRows::Take(RowBatch& batch) {
  batch.first_line = lines_ + 1;
  if (at_end_ && carry_.empty()) return false;
  ABSL_RETURN_IF_ERROR(Fill(batch));
  char* const begin = batch.bytes.data();
  if (at_end_) {
    lacks_line_end_ = batch.size > 0 && begin[batch.size - 1] != '\n';
    while (batch.size > 0 && (begin[batch.size - 1] == '\n' || begin[batch.size - 1] == '\r')) {
      --batch.size;
    }
    if (batch.size > 0) begin[batch.size++] = '\n';
  }
  std::memset(begin + batch.size, 0, kFloatTextPadding);
  batch.lines = std::count(begin, begin + batch.size, '\n');
  batch.capacity =
      std::min<int64_t>(batch.lines, static_cast<int64_t>((batch.size + 1) / row_bytes()));
  ABSL_RETURN_IF_ERROR(CheckCount(batch, batch.lines));
  lines_ += batch.lines;
  return batch.lines > 0;
}

// "a word and 49 numbers"
std::string TextRows::DescribeFields(std::string_view line) const {
  int64_t fields = 0;
  bool in_field = false;
  for (const char c : line) {
    const bool blank = IsBlank(c);
    fields += !blank && !in_field;
    in_field = !blank;
  }
  if (fields == 0) return "an empty line";
  if (fields == 1) return absl::StrCat(Quoted(line), " alone");
  return absl::StrCat(Quoted(line.substr(0, 40)), " with ", fields - 1, " fields behind the first");
}

// The general way, for words with blanks and for messages: components are counted from the right.
std::string TextRows::ParseSlowly(std::string_view line, uint32_t line_number, uint64_t offset,
                                  RowBatch& batch, float* out) const {
  while (!line.empty() && (IsBlank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
  const auto expected = [&] {
    return absl::StrCat("expected a word and ", layout_.width, " numbers, found ",
                        DescribeFields(line));
  };
  std::string_view word = line;
  std::string padded;
  for (int64_t i = layout_.width - 1; i >= 0; --i) {
    const size_t blank = word.find_last_of(" \t");
    if (blank == std::string_view::npos) return expected();
    const std::string_view field = word.substr(blank + 1);
    padded.assign(field).append(kFloatTextPadding, ' ');
    const char* p = padded.data();
    if (ParseFloat(p, out[i]) != FloatText::kNumber || p != padded.data() + field.size()) {
      // A row that is too long or too short is not a faulty number.
      const size_t fields = static_cast<size_t>(std::count_if(line.begin(), line.end(), IsBlank));
      if (fields < static_cast<size_t>(layout_.width)) return expected();
      return ComponentError(i, Quoted(field));
    }
    word = word.substr(0, blank);
    while (!word.empty() && IsBlank(word.back())) word.remove_suffix(1);
  }
  // "word 0.1" before the components is a component too many, not a word.
  const size_t blank = word.find_last_of(" \t");
  if (blank != std::string_view::npos) {
    padded.assign(word.substr(blank + 1)).append(kFloatTextPadding, ' ');
    const char* p = padded.data();
    float value;
    if (ParseFloat(p, value) == FloatText::kNumber && *p == ' ') return expected();
  }
  if (word.empty() || IsBlank(word.front())) return expected();
  return AddWord(word, line_number, offset, options_.max_word_bytes, batch);
}

void TextRows::Parse(RowBatch& batch, float* floats) const {
  const char* const begin = batch.bytes.data();
  const char* const end = begin + batch.size;
  const int64_t width = layout_.width;
  // A word, and behind each blank a number; nullptr when the row is anything else.
  const auto parse_fast = [width](const char* word_end, float* out) -> const char* {
    const char* p = word_end;
    for (int64_t i = 0; i < width; ++i) {
      if (!IsBlank(*p)) return nullptr;
      do {
        ++p;
      } while (IsBlank(*p));
      if (ParseFloat(p, out[i]) != FloatText::kNumber) return nullptr;
    }
    while (IsBlank(*p)) ++p;
    p += *p == '\r';
    return *p == '\n' ? p + 1 : nullptr;
  };
  uint32_t line = 0;
  for (const char* at = begin; at < end; ++line) {
    const auto offset = static_cast<uint64_t>(at - begin);
    // More rows than their bytes allow are not sound; they are parsed into the last place's copy.
    std::vector<float> spare;
    float* out = floats + static_cast<int64_t>(batch.keys.size()) * width;
    if (static_cast<int64_t>(batch.keys.size()) >= batch.capacity) {
      spare.resize(static_cast<size_t>(width));
      out = spare.data();
    }
    const char* word_end = at;
    while (!IsBlank(*word_end) && *word_end != '\n') ++word_end;
    const char* next = word_end == at ? nullptr : parse_fast(word_end, out);
    std::string problem;
    if (next != nullptr) {
      problem = AddWord({at, static_cast<size_t>(word_end - at)}, line, offset,
                        options_.max_word_bytes, batch);
    } else {
      next = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at))) + 1;
      problem = ParseSlowly({at, static_cast<size_t>(next - at) - 1}, line, offset, batch, out);
    }
    if (!problem.empty()) {
      batch.problems.push_back(
          {batch.first_line + line, batch.offset + offset, std::move(problem)});
    }
    at = next;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenTextRows(ByteSource& source,
                                                        const TextLayout& layout,
                                                        const LoadOptions& options) {
  if (layout.declared_rows) {
    const CountLine counts = {*layout.declared_rows, layout.width};
    ABSL_RETURN_IF_ERROR(CheckCountLine(source.name(), counts,
                                        2 * static_cast<uint64_t>(layout.width) + 2,
                                        source.max_size(), options.allow_count_mismatch));
  }
  auto rows = std::make_unique<TextRows>(source, layout, options);
  ABSL_RETURN_IF_ERROR(rows->SkipHeader());
  return rows;
}

}  // namespace graft
