// Texts as rows of word vectors: what a model over word vectors has in place of a tokenizer.
#ifndef GRAFT_TASKS_WORD_MODEL_H_
#define GRAFT_TASKS_WORD_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/unknown_words.h"
#include "embeddings/words.h"
#include "models/composer.h"
#include "models/word_backbone.h"
#include "tasks/encoded_texts.h"
#include "tokenizers/word_tokenizer.h"

namespace graft {

// What graft.json says of a model over word vectors.
struct WordModelSettings {
  WordTokenizerOptions tokenizer = {};
  UnknownWordOptions unknown = {};
  std::vector<int64_t> set_widths = {};  // of the pretrained vectors that the folder holds
  WordBackboneShape backbone = {};
  int64_t vocabulary = 0;  // words of words.txt; the first backbone.table_rows have a row each
  Composer composer = {};  // without its component
  bool weighted = false;   // words have weights, and the composer takes out a component
  double dropout = 0;      // before the last layer
};

// Sets of pretrained vectors, and the words of the training texts. Immutable and thread-safe.
class WordModel {
 public:
  // `sets`: one a width of the settings. `weights`: one a word of the vocabulary, or none.
  WordModel(WordModelSettings settings, std::vector<WordVectors> sets, Words vocabulary,
            std::vector<float> weights);

  const WordModelSettings& settings() const { return settings_; }
  const std::vector<UnknownWords>& sets() const { return sets_; }
  const Words& vocabulary() const { return vocabulary_; }
  const std::vector<float>& weights() const { return weights_; }

  // The words of texts, of each the first `max_length`, and for each different one its row of the
  // table and its vector: of all sets side by side, with zeros where a set has nothing for it, and
  // for words of the table where there is one channel. Words that the training texts did
  // not have weigh 1. Uses up to `threads` threads; a text's words and rows do not depend on them
  // or on the other texts.
  EncodedTexts Encode(absl::Span<const std::string_view> texts, int64_t max_length,
                      int threads) const;

  // What a word of a text, as the tokenizer forms it, is to the model.
  struct Known {
    std::optional<int64_t> table_row;   // its row of the table
    std::vector<VectorSource> sources;  // by set: where its vector comes from
  };
  Known Find(std::string_view word) const;

  const WordTokenizer& tokenizer() const { return tokenizer_; }

  // One line for people: "words by treebank, lower case; 400000 x 50 vectors, 13825 x 50 trained".
  std::string Describe() const;

 private:
  void FillRow(std::string_view word, int64_t index, EncodedTexts& texts) const;

  WordModelSettings settings_;
  WordTokenizer tokenizer_;
  std::vector<UnknownWords> sets_;
  Words vocabulary_;
  std::vector<float> weights_;
};

struct WordCount {
  std::string word;
  int64_t count = 0;
};

// The first `max_length` words of each text by falling count, those of one count in the order of
// their bytes.
std::vector<WordCount> CountWords(const WordTokenizer& tokenizer,
                                  absl::Span<const std::string_view> texts, int64_t max_length,
                                  int threads);

// A text with one word a line, as words.txt has them. DataLoss with the line for a word that is
// empty or there twice, and where there are not `count`.
absl::StatusOr<Words> ParseWordList(std::string_view text, int64_t count, const std::string& name);
std::string FormatWordList(const Words& words);

}  // namespace graft

#endif  // GRAFT_TASKS_WORD_MODEL_H_
