// The steps of a pre-tokenizer row, as tokenizer.json names them. Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENIZER_H_
#define GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENIZER_H_

#include <optional>
#include <variant>
#include <vector>

#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/pre_tokenizers/delimiters.h"
#include "tokenizers/pre_tokenizers/pre_tokens.h"

namespace graft {

// Whitespace separates, each punctuation character stands alone.
struct BertSplit {
  void Apply(PreTokens& tokens) const;
};

// GPT-2's: words with the space before them, written in the byte alphabet.
struct ByteLevelSplit {
  bool add_prefix_space = true;
  std::optional<Regex> words;  // GPT-2's pattern; none without use_regex
  void Apply(PreTokens& tokens);
};

// \w+|[^\w\s]+
struct WhitespaceWords {
  void Apply(PreTokens& tokens) const;
};

struct WhitespaceSplit {
  void Apply(PreTokens& tokens) const;
};

// SentencePiece's: spaces become a visible character, which begins words.
struct Metaspace {
  enum class Prepend { kAlways, kFirst, kNever };
  char32_t replacement = 0x2581;
  Prepend prepend = Prepend::kAlways;
  bool split = true;
  void Apply(PreTokens& tokens) const;
};

struct PunctuationSplit {
  DelimiterBehavior behavior = DelimiterBehavior::kIsolated;
  void Apply(PreTokens& tokens) const;
};

struct DigitsSplit {
  bool individual_digits = false;
  void Apply(PreTokens& tokens) const;
};

struct CharDelimiterSplit {
  char32_t delimiter = ' ';
  void Apply(PreTokens& tokens) const;
};

struct PatternSplit {
  Pattern pattern;
  DelimiterBehavior behavior = DelimiterBehavior::kIsolated;
  bool invert = false;
  void Apply(PreTokens& tokens);
};

// Cuts where the script changes; Kana and Han are one, spaces belong to what stands before them.
struct ScriptSplit {
  void Apply(PreTokens& tokens) const;
};

// Pieces of so many characters.
struct FixedLength {
  size_t length = 5;
  void Apply(PreTokens& tokens) const;
};

// One step; a row of them is a whole pre-tokenizer. One thread at a time; a copy is for another
// thread.
using PreTokenizer = std::variant<BertSplit, ByteLevelSplit, WhitespaceWords, WhitespaceSplit,
                                  Metaspace, PunctuationSplit, DigitsSplit, CharDelimiterSplit,
                                  PatternSplit, ScriptSplit, FixedLength>;

void PreTokenize(std::vector<PreTokenizer>& steps, PreTokens& tokens);

// Begins a text of so many bytes: the patterns get new limits.
void BeginText(std::vector<PreTokenizer>& steps, size_t bytes);

// The pattern of GPT-2's words.
const Regex& Gpt2Words();

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENIZER_H_
