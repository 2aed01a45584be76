// How good word vectors are: by the similarities that people gave to pairs of words, and by
// analogies.
#ifndef GRAFT_EMBEDDINGS_EVALUATION_H_
#define GRAFT_EMBEDDINGS_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "embeddings/evaluation_set.h"
#include "embeddings/search.h"
#include "embeddings/word_vectors.h"

namespace graft {

// Defaults are those of gensim's KeyedVectors.evaluate_word_pairs and evaluate_word_analogies,
// whose figures these are.
struct EvaluationOptions {
  enum class Unknown {
    kSkip,      // pairs and questions with an unknown word are left out
    kZero,      // pairs have similarity 0, questions are wrong: gensim's dummy4unknown
    kEstimate,  // words of pairs get what their n-grams give, where the model has some; all else is
                // left out
  };

  // Only so many rows count, from the first on: others are neither known nor answers. 0: all.
  int64_t restrict_vocab = 300'000;
  // Words are compared in upper case; of several rows that are then equal the first counts.
  bool ignore_case = true;
  Unknown unknown = Unknown::kSkip;
  AnalogyMethod method = AnalogyMethod::kAdd;
  int64_t threads = 1;
  // Called on the calling thread with the number of questions that are answered.
  std::function<void(int64_t done, int64_t all)> progress = nullptr;
};

struct WordPairResult {
  int64_t pairs = 0;
  int64_t unknown = 0;  // pairs with a word that has no row
  int64_t used = 0;     // pairs that the correlations are of
  // Of people's similarities and cosines, in double; Spearman's with mean ranks for ties. nullopt
  // where it is not defined (embeddings/correlation.h).
  std::optional<double> pearson, spearman;
  std::vector<std::string> unknown_words;  // as the file has them, each once, in its order
};

WordPairResult EvaluateWordPairs(const WordVectors& vectors, const WordPairSet& set,
                                 const EvaluationOptions& options);

struct AnalogyScore {
  std::string name;
  int64_t questions = 0;
  int64_t unknown = 0;  // of them, with a word that has no row
  int64_t used = 0;     // those that count
  int64_t correct = 0;

  // nullopt where none counts.
  std::optional<double> accuracy() const {
    if (used == 0) return std::nullopt;
    return static_cast<double>(correct) / static_cast<double>(used);
  }
};

struct AnalogyResult {
  std::vector<AnalogyScore> sections;  // in the order of the file
  // Sections whose names begin with "gram" are syntactic, as in word2vec's compute-accuracy.
  AnalogyScore semantic, syntactic, total;
};

// A question is answered by the first of the five best rows, without those of its own three words,
// that is none of these words in upper case either. Takes 2,048 questions at once.
absl::StatusOr<AnalogyResult> EvaluateAnalogies(const WordVectors& vectors, const AnalogySet& set,
                                                const EvaluationOptions& options);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_EVALUATION_H_
