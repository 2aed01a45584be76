// What is put around and between texts, and what is trimmed off their tokens' offsets. Internal:
// not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_POST_PROCESSOR_H_
#define GRAFT_TOKENIZERS_POST_PROCESSOR_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"

namespace graft {

// Where the parts of the result come from, in order.
struct TemplatePiece {
  enum class Kind { kFirstText, kSecondText, kSpecial };
  Kind kind = Kind::kSpecial;
  int32_t type_id = 0;
  std::vector<int32_t> ids = {};  // of a special piece
};

// Offsets lose the whitespace at a token's ends (ByteLevel and RobertaProcessing, trim_offsets).
struct TrimRule {
  // One space at the front of a text is the tokenizer's own: nothing is trimmed for it.
  bool add_prefix_space = true;
};

// `single` holds the first text once, `pair` both texts once.
struct PostProcessor {
  std::vector<TemplatePiece> single = {{TemplatePiece::Kind::kFirstText, 0}};
  std::vector<TemplatePiece> pair = {{TemplatePiece::Kind::kFirstText, 0},
                                     {TemplatePiece::Kind::kSecondText, 1}};
  std::vector<TrimRule> trims = {};

  // [CLS] A [SEP], [CLS] A [SEP] B [SEP]
  static PostProcessor Bert(int32_t cls, int32_t sep);
  // <s> A </s>, <s> A </s></s> B </s>, all of type 0
  static PostProcessor Roberta(int32_t cls, int32_t sep);
};

size_t CountSpecialTokens(const std::vector<TemplatePiece>& pieces);

// Whitespace at the ends of a token's text, in characters; the byte alphabet's space counts too.
struct TokenEnds {
  size_t leading = 0;
  size_t trailing = 0;
};
TokenEnds WhitespaceAtEnds(std::string_view token);

// The span of a token in `text` without the whitespace at its ends. `first` says that the token is
// the first of its text or window.
Span TrimSpan(const TrimRule& rule, std::string_view text, const TokenEnds& ends, bool first,
              Span span);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_POST_PROCESSOR_H_
