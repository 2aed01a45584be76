// What stands for a word that has no row.
#ifndef GRAFT_EMBEDDINGS_UNKNOWN_WORDS_H_
#define GRAFT_EMBEDDINGS_UNKNOWN_WORDS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "embeddings/word_vectors.h"

namespace graft {

struct UnknownWordOptions {
  enum class Last {
    kNone,  // the word stays unknown
    kZero,
    kRareMean,  // the mean of the last rows
  };

  // Tried in this order for a word without a row:
  bool sub_words = true;   // its n-grams, where the model has some for it
  bool lower_case = true;  // the row of its lower-cased form (tokenizers/case_map.h)
  Last last = Last::kNone;
  // How many rows are the rare ones. Files of word vectors stand by falling frequency, so these are
  // the last; GloVe's own program makes its <unk> of the last 100 (glove.c, save_params).
  int64_t rare_rows = 100;
};

// Where a vector comes from.
enum class VectorSource { kRow, kSubWords, kLowerCase, kRareMean, kZero, kNone };
// "row", "sub-words", "lower-case", "rare", "zero", "none".
std::string_view VectorSourceName(VectorSource source);

// Vectors for any word. Immutable and thread-safe; copies share their memory.
class UnknownWords {
 public:
  UnknownWords(WordVectors vectors, const UnknownWordOptions& options);

  const WordVectors& vectors() const { return vectors_; }

  struct Found {
    VectorSource source = VectorSource::kNone;
    std::optional<int64_t> row;  // of kRow and kLowerCase
  };
  // The vector of a word into `out` [D]; zeros with kNone.
  Found Vector(std::string_view word, absl::Span<float> out) const;

 private:
  WordVectors vectors_;
  UnknownWordOptions options_;
  std::vector<float> last_;  // [D]
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_UNKNOWN_WORDS_H_
