// A model over word vectors as it is before training.
#ifndef GRAFT_TASKS_WORD_START_H_
#define GRAFT_TASKS_WORD_START_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/unknown_words.h"
#include "models/composer.h"
#include "tasks/model_folder.h"
#include "tokenizers/word_tokenizer.h"

namespace graft {

// Which words of the training texts get rows of the table.
enum class TrainRows {
  kAll,    // also those that no set of vectors knows
  kKnown,  // those that at least one knows, by their own row, their n-grams or in lower case
};

// What the rows of the table are at first.
enum class RowInit {
  kPretrained,  // the vectors; random where there are none
  kRandom,      // all random, as wide as the vectors and with their deviation; they are not kept
};

struct WordStartOptions {
  std::vector<WordVectors> sets;  // side by side; may be none with kRandom
  int64_t width = 100;            // components, where there are no sets
  // Absent: as GuessWordTokenizer says of the first set.
  std::optional<WordTokenizerOptions> tokenizer;
  UnknownWordOptions unknown;
  // No table: all words stay as their vectors are. Without effect on kRandom, whose rows are
  // nowhere else.
  bool frozen = false;
  TrainRows rows = TrainRows::kAll;
  RowInit init = RowInit::kPretrained;
  int channels = 1;
  Composer composer;  // its kind and sizes
  double dropout = 0;
  int64_t max_length = 1'000'000;  // words of a text; what is behind them does not count
  double sif_a = 1e-3;             // a of a / (a + p(word)); Arora et al. 2017: 1e-4 to 1e-3
  uint64_t seed = 1;
};

// How much of the training texts the vectors know.
struct WordStartReport {
  int64_t words = 0, known_words = 0;    // different ones
  int64_t tokens = 0, known_tokens = 0;  // all
};

struct WordStart {
  LoadedModel model;  // without head, labels and longest text
  // What the head begins with: that of the options, with the component of the training texts.
  Composer composer;
  WordStartReport report;
};

// How the texts were cut that word vectors were made of, as far as their words tell: kTreebank
// where "n't" is a word, or where English words are and "don't" is not, else kUnicode; in lower
// case where none of the first 20,000 words has capitals. Without words kUnicode as written.
WordTokenizerOptions GuessWordTokenizer(const WordVectors& vectors);

// Counts the words of the training texts, makes the table, and for kSif the words' weights and the
// component: of the weighted means of all texts the first right singular vector, not centred.
// InvalidArgument for what no folder of such a model can hold, and with kSif for a text without a
// word. Uses `threads` threads; the result does not depend on them, but for the last
// digits of the component.
absl::StatusOr<WordStart> StartWordModel(WordStartOptions options,
                                         absl::Span<const std::string_view> texts, int threads);

}  // namespace graft

#endif  // GRAFT_TASKS_WORD_START_H_
