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
  // Tokens [second_begin, second_end) are those of the second text of a pair; none of one text.
  size_t second_begin = 0, second_end = 0;
  // How many tokens truncation removed; 0 in the windows of `overflowing`.
  size_t cut_off = 0;
  // What truncation removed, in windows with special tokens of their own, on request: the windows
  // of one text in order; for a pair each later window of the first text with every one of the
  // second, then the first window of the first text with the later ones of the second.
  std::vector<Encoding> overflowing;

  size_t size() const { return ids.size(); }
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_ENCODING_H_
