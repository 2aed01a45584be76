// The steps of a normalizer row, as tokenizer.json names them. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZER_H_
#define GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZER_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizers/normalizers/bert_normalizer.h"
#include "tokenizers/normalizers/charsmap.h"
#include "tokenizers/normalizers/normalized_text.h"
#include "tokenizers/regex.h"

namespace graft {

// NFC, NFD, NFKC, NFKD. Spans are the peer's: a composed character has the span of the first
// character that went into it.
struct UnicodeForm {
  bool compatibility = false;
  bool composed = true;
  void Apply(NormalizedText& text);

  struct Part {
    char32_t code;
    uint8_t combining_class;
    int change;  // as TextRewriter::Transform counts
  };
  std::vector<Part> marks = {};    // since the last starter
  std::vector<Part> pending = {};  // a starter and the marks that did not go into it
};

struct Lowercase {
  void Apply(NormalizedText& text) const;
};

// Removes all marks (M*).
struct StripAccents {
  void Apply(NormalizedText& text) const;
};

// Removes whitespace at the ends.
struct StripEnds {
  bool left = true;
  bool right = true;
  void Apply(NormalizedText& text) const;
};

// Puts a text before one that is not empty.
struct Prepend {
  std::string prefix;
  void Apply(NormalizedText& text) const;
};

// What a step looks for: a fixed text (nothing when it is empty) or a regular expression.
struct Pattern {
  std::variant<std::string, Regex> pattern;
  // The matches, from left to right. Valid until the next call.
  const std::vector<Span>& Find(std::string_view text);
  // As Regex.
  void BeginText(size_t bytes);

  std::vector<Span> matches = {};
};

// Writes `content` for each match, with the span of the match's last character.
struct Replace {
  Pattern pattern;
  std::string content;
  void Apply(NormalizedText& text);
};

// The character rules of SentencePiece's nmt_* normalizers: control characters go, line ends and
// zero-width characters become spaces.
struct Nmt {
  void Apply(NormalizedText& text) const;
};

// Applies a charsmap to each grapheme of less than 6 bytes as a whole, else to single characters.
struct Precompiled {
  std::shared_ptr<const Charsmap> charsmap;
  void Apply(NormalizedText& text);

  std::vector<std::pair<char32_t, int>> changes = {};
};

// Writes each byte as its character of the byte alphabet.
struct ByteLevelNormalizer {
  void Apply(NormalizedText& text) const;
};

struct BertSteps {
  BertNormalizerOptions options;
  void Apply(NormalizedText& text) const;
};

// One step; a row of them is a whole normalizer. One thread at a time; a copy is for another
// thread.
using Normalizer = std::variant<BertSteps, UnicodeForm, Lowercase, StripAccents, StripEnds, Prepend,
                                Replace, Nmt, Precompiled, ByteLevelNormalizer>;

void Normalize(std::vector<Normalizer>& steps, NormalizedText& text);

// Begins a text of so many bytes: the patterns get new limits. Normalize may be called for several
// parts of it.
void BeginText(std::vector<Normalizer>& steps, size_t bytes);
// A pattern that has reached its limit since; nullptr when there is none.
const Regex* FindExhausted(const std::vector<Normalizer>& steps);

// The text as the row leaves it.
std::string NormalizedForm(std::vector<Normalizer> steps, std::string_view text);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZER_H_
