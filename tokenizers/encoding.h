// What a tokenizer gives for one text.
#ifndef GRAFT_TOKENIZERS_ENCODING_H_
#define GRAFT_TOKENIZERS_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace graft {

// Bytes [begin, end) of the text that the caller passed.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const Span&) const = default;
};

// The tokens of one text or pair; all vectors have one entry per token.
struct Encoding {
  std::vector<int32_t> ids;
  // 0 for the first text and its special tokens, 1 for the second text of a pair.
  std::vector<int32_t> type_ids;
  // Index of the word that a token is part of, as the pre-tokenizer (or the caller, for pre-split
  // words) made words; -1 for special tokens.
  std::vector<int32_t> word_ids;
  // Where the token stands in its text; {0, 0} for special tokens. A token inside a character has
  // the whole character's span. For pre-split words the span lies inside the word.
  std::vector<Span> offsets;
  // 1 for tokens that the tokenizer added ([CLS], [SEP]), else 0.
  std::vector<uint8_t> special_tokens_mask;
  // How many tokens truncation removed.
  size_t cut_off = 0;

  size_t size() const { return ids.size(); }
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_ENCODING_H_
