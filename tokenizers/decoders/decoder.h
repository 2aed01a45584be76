// The steps of a decoder row, as tokenizer.json names them. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_DECODERS_DECODER_H_
#define GRAFT_TOKENIZERS_DECODERS_DECODER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/pre_tokenizers/pre_tokenizer.h"

namespace graft {

using Tokens = std::vector<std::string>;

// Joins pieces at the prefix, sets spaces before the others.
struct WordPieceDecoder {
  std::string prefix = "##";
  // Takes the space away that tokenization set before punctuation and English short forms.
  bool cleanup = true;
  void Apply(Tokens& tokens) const;
};

// One text of the bytes that the tokens' characters stand for; ill-formed parts are U+FFFD. A token
// with other characters stands for itself.
struct ByteLevelDecoder {
  void Apply(Tokens& tokens) const;
};

// The visible character becomes a space, but in the first token: there it goes unless `prepend` is
// kNever.
struct MetaspaceDecoder {
  char32_t replacement = 0x2581;
  Metaspace::Prepend prepend = Metaspace::Prepend::kAlways;
  void Apply(Tokens& tokens) const;
};

// The suffix of words becomes a space, in the last token nothing.
struct BpeDecoder {
  std::string suffix = "</w>";
  void Apply(Tokens& tokens) const;
};

// Runs of tokens <0x00> to <0xFF> become the text of these bytes, or a U+FFFD for each of them when
// they are ill-formed.
struct ByteFallbackDecoder {
  void Apply(Tokens& tokens) const;
};

// One token of all.
struct FuseDecoder {
  void Apply(Tokens& tokens) const;
};

// Takes a character away, at most `start` times at the front of each token and `stop` times at its
// end.
struct StripDecoder {
  char32_t content = ' ';
  size_t start = 0;
  size_t stop = 0;
  void Apply(Tokens& tokens) const;
};

struct ReplaceDecoder {
  Pattern pattern;
  std::string content;
  // Changes no token that would make the tokens longer than `limit` bytes together.
  void Apply(Tokens& tokens, size_t limit) const;
};

// Of tokens that repeat one stays, without the padding.
struct CtcDecoder {
  std::string pad_token = "<pad>";
  std::string word_delimiter_token = "|";
  bool cleanup = true;
  void Apply(Tokens& tokens) const;
};

// One step; a row of them is a whole decoder. Immutable and thread-safe.
using Decoder =
    std::variant<WordPieceDecoder, ByteLevelDecoder, MetaspaceDecoder, BpeDecoder,
                 ByteFallbackDecoder, FuseDecoder, StripDecoder, ReplaceDecoder, CtcDecoder>;

// The text of tokens; without a decoder they are joined by spaces.
std::string JoinTokens(const std::optional<std::vector<Decoder>>& decoders, Tokens tokens);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_DECODERS_DECODER_H_
