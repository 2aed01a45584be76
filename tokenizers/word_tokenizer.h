// Words of running text, as word vectors know them.
#ifndef GRAFT_TOKENIZERS_WORD_TOKENIZER_H_
#define GRAFT_TOKENIZERS_WORD_TOKENIZER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/encoding.h"

namespace graft {

enum class WordSplit {
  // What stands between characters of White_Space: texts that are already cut into words. So were
  // the texts of word2vec and fastText.
  kWhitespace,
  // The word boundaries of Unicode (UAX #29, ICU's dictionaries for Chinese, Japanese, Thai, Khmer,
  // Lao and Burmese): "don't" and "3.5" are one word, each punctuation mark is one.
  kUnicode,
  // kUnicode, and then what English of the Penn Treebank does otherwise, as in the texts of GloVe:
  // "do" and "n't", "dog" and "'s", "well-known", "u.s.", "..." and "--" are words. Text that is
  // already cut so ("ca n't") stays so.
  kTreebank,
};

// "whitespace", "unicode", "treebank"; nullopt for other names.
std::string_view WordSplitName(WordSplit split);
std::optional<WordSplit> WordSplitOfName(std::string_view name);

struct WordTokenizerOptions {
  WordSplit split = WordSplit::kWhitespace;
  bool lower_case = false;  // LowerCase (tokenizers/case_map.h)
};

// Cuts texts into words. Immutable and thread-safe; copies share their data. The same text gives
// the same words whatever stands beside it, but a new version of ICU may cut otherwise: who stores
// what comes of words stores IcuVersion too.
class WordTokenizer {
 public:
  explicit WordTokenizer(const WordTokenizerOptions& options);

  const WordTokenizerOptions& options() const { return options_; }

  // Where the words stand: bytes of the text, in order, not empty, never overlapping. White space,
  // and control and format characters that stand alone (U+FEFF at the front), are no words. A
  // maximal ill-formed part counts as U+FFFD and is part of what ends up around it. The text has
  // less than 2 GiB.
  std::vector<Span> Split(std::string_view text) const;
  // What a word of a text is looked up as: lower-cased where the options say so; with kTreebank
  // U+2019 is an apostrophe. Ill-formed bytes stay as they are.
  std::string Form(std::string_view word) const;
  // The forms of the words of a text, in order.
  std::vector<std::string> Words(std::string_view text) const;

  // "72.1": of the program that runs.
  static std::string IcuVersion();

 private:
  struct Boundaries;  // ICU's iterator

  std::vector<Span> Segments(std::string_view text) const;

  WordTokenizerOptions options_;
  std::shared_ptr<const Boundaries> boundaries_;  // of kUnicode and kTreebank
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_WORD_TOKENIZER_H_
