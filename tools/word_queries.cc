#include "tools/word_queries.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "tools/row_blocks.h"
#include "tools/vector_file.h"

namespace graft::tools {
namespace {

constexpr size_t kAtOnce = 256;    // queries, at most
constexpr size_t kNamedWords = 5;  // unknown ones in the last line

UnknownWordOptions MakeUnknownOptions(const std::string& name) {
  using Last = UnknownWordOptions::Last;
  UnknownWordOptions options;
  if (name == "strict") options.sub_words = options.lower_case = false;
  if (name == "zero") options.last = Last::kZero;
  if (name == "rare") options.last = Last::kRareMean;
  return options;
}

absl::StatusOr<std::vector<std::string>> SplitLine(const std::string& line, size_t size) {
  if (size == 1) return std::vector<std::string>{line};
  std::vector<std::string> words;
  if (line.find('\t') != std::string::npos) {
    words = absl::StrSplit(line, '\t');
  } else {
    words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  }
  if (words.size() == size) return words;
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", size, " words between tabs or blanks, found ", words.size()));
}

absl::Status AnswerInput(const WordQueryOptions& o, size_t size, WordLookup& lookup,
                         const std::function<absl::Status(absl::Span<const WordQuery>)>& answer) {
  ABSL_ASSIGN_OR_RETURN(TextRows input, TextRows::Open("-", {.invalid_utf8 = o.invalid_utf8}));
  RowBlocks blocks(std::move(input), kAtOnce);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<TextRow> rows, blocks.Next());
    if (rows.empty()) return absl::OkStatus();
    std::vector<WordQuery> queries;
    absl::Status mistake;
    for (const TextRow& row : rows) {
      absl::StatusOr<std::vector<std::string>> words = SplitLine(row.text, size);
      if (!words.ok()) {
        mistake = absl::InvalidArgumentError(
            absl::StrCat(blocks.name(), ":", row.line, ": ", words.status().message()));
        break;
      }
      ABSL_ASSIGN_OR_RETURN(WordQuery query, lookup.LookUp(*std::move(words)));
      queries.push_back(std::move(query));
    }
    if (!queries.empty()) ABSL_RETURN_IF_ERROR(answer(queries));
    if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
    ABSL_RETURN_IF_ERROR(mistake);
  }
}

}  // namespace

void DeclareWordQueries(WordQueryOptions& o, OptionList& list, std::string_view placeholder,
                        std::string_view help) {
  list.Arguments(placeholder, &o.words, help);
  list.Choice(
      "--unknown", &o.unknown, {"strict", "estimate", "rare", "zero"},
      "a word without a row: is unknown; gets what its sub-words give, else its lower-cased "
      "form; and if there is neither the mean of the last 100 rows, or zeros");
  list.InvalidUtf8Policy(&o.invalid_utf8);
}

bool WordQuery::known() const {
  return std::none_of(words.begin(), words.end(), [](const QueryWord& word) {
    return word.found.source == VectorSource::kNone;
  });
}

std::vector<int64_t> WordQuery::rows() const {
  std::vector<int64_t> rows;
  for (const QueryWord& word : words) {
    if (word.found.row) rows.push_back(*word.found.row);
  }
  return rows;
}

nlohmann::ordered_json WordQuery::Json() const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const QueryWord& word : words) {
    nlohmann::ordered_json record;
    AddWordJson("word", word.word, record);
    const bool known = word.found.source != VectorSource::kNone;
    record["vector"] = known ? nlohmann::ordered_json(VectorSourceName(word.found.source))
                             : nlohmann::ordered_json(nullptr);
    list.push_back(std::move(record));
  }
  return {{"words", std::move(list)}};
}

WordLookup::WordLookup(WordVectors vectors, const WordQueryOptions& o)
    : words_(std::move(vectors), MakeUnknownOptions(o.unknown)),
      last_(o.unknown == "rare" ? "the mean of rare words" : "zeros") {}

absl::StatusOr<WordQuery> WordLookup::LookUp(std::vector<std::string> words) {
  WordQuery query;
  const auto width = static_cast<size_t>(words_.vectors().width());
  query.vectors.resize(words.size() * width);
  for (size_t i = 0; i < words.size(); ++i) {
    const UnknownWords::Found found =
        words_.Vector(words[i], absl::MakeSpan(query.vectors).subspan(i * width, width));
    const auto vector = absl::MakeConstSpan(query.vectors).subspan(i * width, width);
    if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
      return absl::DataLossError(absl::StrCat("the vector of ", Quoted(words[i]),
                                              ": expected finite numbers, found others; graft "
                                              "vectors doctor tells more"));
    }
    by_sub_words_ += found.source == VectorSource::kSubWords;
    by_lower_case_ += found.source == VectorSource::kLowerCase;
    by_last_ += found.source == VectorSource::kRareMean || found.source == VectorSource::kZero;
    if (found.source == VectorSource::kNone) {
      ++unknown_;
      if (named_.size() < kNamedWords) named_.push_back(Quoted(words[i]));
    }
    query.words.push_back({std::move(words[i]), found});
  }
  return query;
}

int WordLookup::Finish() const {
  std::vector<std::string> parts;
  if (by_sub_words_ > 0) parts.push_back(absl::StrCat(by_sub_words_, " by their sub-words"));
  if (by_lower_case_ > 0) parts.push_back(absl::StrCat(by_lower_case_, " by the lower-cased form"));
  if (by_last_ > 0) parts.push_back(absl::StrCat(by_last_, " by ", last_));
  if (unknown_ > 0) {
    const auto more = unknown_ - static_cast<int64_t>(named_.size());
    parts.push_back(absl::StrCat(unknown_, " unknown (", absl::StrJoin(named_, ", "),
                                 more > 0 ? absl::StrCat(" and ", more, " more") : "", ")"));
  }
  if (!parts.empty()) {
    std::cerr << "graft: words without a row: " << absl::StrJoin(parts, ", ") << "\n";
  }
  return unknown_ > 0 ? kExitFailed : kExitOk;
}

absl::Status ForWordQueries(
    const WordQueryOptions& o, size_t size, WordLookup& lookup,
    const std::function<absl::Status(absl::Span<const WordQuery>)>& answer) {
  if (o.words.empty()) return AnswerInput(o, size, lookup, answer);
  std::vector<WordQuery> queries;
  for (size_t i = 0; i < o.words.size(); i += size) {
    const auto begin = o.words.begin() + static_cast<std::ptrdiff_t>(i);
    ABSL_ASSIGN_OR_RETURN(WordQuery query,
                          lookup.LookUp({begin, begin + static_cast<std::ptrdiff_t>(size)}));
    queries.push_back(std::move(query));
  }
  return answer(queries);
}

}  // namespace graft::tools
