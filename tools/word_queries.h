// Questions about words, from the command line or from standard input, for the verbs of
// `graft vectors`.
#ifndef GRAFT_TOOLS_WORD_QUERIES_H_
#define GRAFT_TOOLS_WORD_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/text_input.h"
#include "embeddings/unknown_words.h"
#include "nlohmann/json.hpp"
#include "tools/options.h"

namespace graft::tools {

struct WordQueryOptions {
  std::vector<std::string> words;  // arguments; none: lines of standard input
  std::string unknown = "estimate";
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
};

// The arguments, --unknown and --invalid-utf8.
void DeclareWordQueries(WordQueryOptions& o, OptionList& list, std::string_view placeholder,
                        std::string_view help);

// A word with its vector, which may be none.
struct QueryWord {
  std::string word;
  UnknownWords::Found found;
};

struct WordQuery {
  std::vector<QueryWord> words;
  std::vector<float> vectors;  // [words, D]

  bool known() const;
  // The rows of its words.
  std::vector<int64_t> rows() const;
  // {"words": [{"word", "vector"}, ...]}: where vectors come from, null for unknown words.
  nlohmann::ordered_json Json() const;
};

// Looks words up and keeps count of those that have no row. One thread.
class WordLookup {
 public:
  WordLookup(WordVectors vectors, const WordQueryOptions& o);

  absl::StatusOr<WordQuery> LookUp(std::vector<std::string> words);
  // A line on standard error about words without a row, where there were any, and the exit status:
  // kExitFailed when some had no vector at all.
  int Finish() const;

 private:
  UnknownWords words_;
  int64_t by_sub_words_ = 0, by_lower_case_ = 0, by_last_ = 0, unknown_ = 0;
  std::string last_;                // "the mean of rare words", "zeros"
  std::vector<std::string> named_;  // the first unknown ones
};

// Answers queries of `size` words each: all arguments, or the lines of standard input as they come,
// some at once. A line is one word where the size is 1, else so many between tabs, or without a tab
// between blanks. The lines before a mistake are answered. With size 1 every argument is a query of
// its own.
absl::Status ForWordQueries(const WordQueryOptions& o, size_t size, WordLookup& lookup,
                            const std::function<absl::Status(absl::Span<const WordQuery>)>& answer);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_WORD_QUERIES_H_
