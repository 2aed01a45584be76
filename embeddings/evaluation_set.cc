#include "embeddings/evaluation_set.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text_input.h"
#include "base/utf8.h"

namespace graft {
namespace {

struct Line {
  int64_t number = 0;
  std::string text;
};

// The lines that are no comments.
struct Lines {
  std::string name;
  std::vector<Line> lines;

  absl::Status Error(const Line& line, std::string_view expected) const {
    return absl::DataLossError(absl::StrCat(name, ":", line.number, ": expected ", expected,
                                            ", found ", Quoted(line.text, 60)));
  }
};

absl::StatusOr<Lines> ReadLines(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(TextInput input, TextInput::Open(path, {.max_line_bytes = 1 << 16}));
  Lines lines = {input.name(), {}};
  std::string text;
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const bool more, input.Next(text));
    if (!more) break;
    if (text.starts_with('#') || absl::StripAsciiWhitespace(text).empty()) continue;
    lines.lines.push_back({input.line_number(), text});
  }
  if (lines.lines.empty()) {
    return absl::DataLossError(
        absl::StrCat(lines.name, ": expected word pairs or analogies, found no lines"));
  }
  return lines;
}

std::optional<double> Number(std::string_view text) {
  double number;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::vector<std::string_view> Words(std::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t\v\f\r"), absl::SkipEmpty());
}

// Four words of which none is a number, or the begin of a section.
bool MayBeAnalogy(const Line& line) {
  if (line.text.starts_with(':')) return true;
  const std::vector<std::string_view> words = Words(line.text);
  return words.size() == 4 && std::none_of(words.begin(), words.end(), [](std::string_view word) {
           return Number(word).has_value();
         });
}

// A header of four columns has numbers below it.
bool IsAnalogies(const std::vector<Line>& lines) {
  return MayBeAnalogy(lines[0]) &&
         (lines[0].text.starts_with(':') || lines.size() == 1 || MayBeAnalogy(lines[1]));
}

absl::StatusOr<EvaluationSet> ParseAnalogies(const Lines& lines) {
  AnalogySet set = {lines.name, {}};
  for (const Line& line : lines.lines) {
    if (line.text.starts_with(':')) {
      set.sections.push_back(
          {std::string(absl::StripAsciiWhitespace(std::string_view(line.text).substr(1))), {}});
      continue;
    }
    const std::vector<std::string_view> words = Words(line.text);
    if (words.size() != 4) return lines.Error(line, "four words, or ': ' and a section's name");
    if (set.sections.empty()) set.sections.emplace_back();
    set.sections.back().questions.push_back({std::string(words[0]), std::string(words[1]),
                                             std::string(words[2]), std::string(words[3])});
  }
  return set;
}

// How a file of pairs is cut into columns.
class PairColumns {
 public:
  explicit PairColumns(std::string_view first_line)
      : delimiter_(first_line.find('\t') != std::string_view::npos  ? '\t'
                   : first_line.find(',') != std::string_view::npos ? ','
                                                                    : ' ') {}

  // Which column has the number; none for a header.
  bool FindScore(std::string_view line) {
    const std::vector<std::string_view> columns = Split(line);
    for (score_ = 2; score_ < columns.size(); ++score_) {
      double number;  // an infinite one is a faulty score, no header
      if (absl::SimpleAtod(columns[score_], &number)) return true;
    }
    return false;
  }

  std::optional<WordPair> Parse(std::string_view line) const {
    const std::vector<std::string_view> columns = Split(line);
    if (columns.size() <= score_ || columns[0].empty() || columns[1].empty()) return std::nullopt;
    const std::optional<double> score = Number(columns[score_]);
    if (!score) return std::nullopt;
    return WordPair{std::string(columns[0]), std::string(columns[1]), *score};
  }

 private:
  std::vector<std::string_view> Split(std::string_view line) const {
    if (delimiter_ == ' ') return Words(line);
    std::vector<std::string_view> columns = absl::StrSplit(line, delimiter_);
    for (std::string_view& column : columns) column = absl::StripAsciiWhitespace(column);
    return columns;
  }

  char delimiter_;
  size_t score_ = 2;
};

absl::StatusOr<EvaluationSet> ParsePairs(const Lines& lines) {
  constexpr std::string_view kExpected =
      "two words and a number between tabs, commas or blanks, or four words";
  WordPairSet set = {lines.name, {}};
  PairColumns columns(lines.lines[0].text);
  size_t first = 0;
  if (!columns.FindScore(lines.lines[0].text)) {
    first = 1;
    if (lines.lines.size() == 1 || !columns.FindScore(lines.lines[1].text)) {
      return lines.Error(lines.lines[0], kExpected);
    }
  }
  for (size_t i = first; i < lines.lines.size(); ++i) {
    std::optional<WordPair> pair = columns.Parse(lines.lines[i].text);
    if (!pair) return lines.Error(lines.lines[i], kExpected);
    set.pairs.push_back(*std::move(pair));
  }
  return set;
}

}  // namespace

absl::StatusOr<EvaluationSet> ReadEvaluationSet(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const Lines lines, ReadLines(path));
  return IsAnalogies(lines.lines) ? ParseAnalogies(lines) : ParsePairs(lines);
}

}  // namespace graft
