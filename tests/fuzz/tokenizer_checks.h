// What holds for every tokenizer and every text; a property that does not hold ends the program.
#ifndef GRAFT_TESTS_FUZZ_TOKENIZER_CHECKS_H_
#define GRAFT_TESTS_FUZZ_TOKENIZER_CHECKS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/log/absl_check.h"
#include "tokenizers/tokenizer.h"

namespace graft::fuzz {

// Special tokens apart: their span and word say nothing.
inline void CheckTokens(const Tokenizer& tokenizer, const Encoding& encoding,
                        absl::Span<const std::string_view> texts, bool words) {
  const size_t size = encoding.size();
  ABSL_CHECK(encoding.type_ids.size() == size && encoding.word_ids.size() == size &&
             encoding.offsets.size() == size && encoding.special_tokens_mask.size() == size);
  ABSL_CHECK_LE(encoding.second_begin, encoding.second_end);
  ABSL_CHECK_LE(encoding.second_end, size);
  for (size_t i = 0; i < size; ++i) {
    ABSL_CHECK_GE(encoding.ids[i], 0);
    ABSL_CHECK_LT(static_cast<size_t>(encoding.ids[i]), tokenizer.vocabulary_size());
    const Span span = encoding.offsets[i];
    ABSL_CHECK_LE(span.begin, span.end);
    if (encoding.special_tokens_mask[i] != 0) continue;
    const bool second = i >= encoding.second_begin && i < encoding.second_end;
    const auto word = static_cast<size_t>(encoding.word_ids[i]);
    ABSL_CHECK(!words || word < texts.size());
    ABSL_CHECK_LE(span.end, texts[words ? word : second ? 1 : 0].size());
  }
}

// Of one text: no token begins, and no word stands, before that of the token before it.
inline void CheckOrder(const Encoding& encoding) {
  uint32_t begin = 0;
  int32_t word = 0;
  for (size_t i = 0; i < encoding.size(); ++i) {
    if (encoding.special_tokens_mask[i] != 0) continue;
    ABSL_CHECK_GE(encoding.offsets[i].begin, begin);
    ABSL_CHECK_GE(encoding.word_ids[i], word);
    begin = encoding.offsets[i].begin;
    word = encoding.word_ids[i];
  }
}

inline std::vector<int32_t> TextIds(const Encoding& encoding, size_t begin, size_t end) {
  std::vector<int32_t> ids;
  for (size_t i = begin; i < end; ++i) {
    if (encoding.special_tokens_mask[i] == 0) ids.push_back(encoding.ids[i]);
  }
  return ids;
}

inline std::vector<int32_t> TextIds(const Encoding& encoding) {
  return TextIds(encoding, 0, encoding.size());
}

// The windows of a text, one after the other, are its tokens, each with the stride's again.
inline void CheckWindows(const Tokenizer& tokenizer, std::string_view text, const Encoding& whole) {
  constexpr size_t kRoom = 5, kStride = 2;
  EncodeOptions options;
  options.max_length = tokenizer.special_tokens_per_text() + kRoom;
  options.overflowing = true;
  options.stride = kStride;
  const Encoding first = tokenizer.Encode(text, options);
  std::vector<int32_t> ids = TextIds(first);
  CheckTokens(tokenizer, first, {&text, 1}, false);
  for (const Encoding& window : first.overflowing) {
    CheckTokens(tokenizer, window, {&text, 1}, false);
    ABSL_CHECK_LE(window.size(), options.max_length);
    const std::vector<int32_t> more = TextIds(window);
    ABSL_CHECK_GE(more.size(), kStride);
    ABSL_CHECK(std::equal(more.begin(), more.begin() + kStride, ids.end() - kStride));
    ids.insert(ids.end(), more.begin() + kStride, more.end());
  }
  ABSL_CHECK(ids == TextIds(whole));
}

inline void CheckPair(const Tokenizer& tokenizer, std::string_view first, std::string_view second) {
  const std::string_view texts[] = {first, second};
  const Encoding pair = tokenizer.EncodePair(first, second);
  CheckTokens(tokenizer, pair, texts, false);
  std::vector<int32_t> firsts = TextIds(pair, 0, pair.second_begin);
  const std::vector<int32_t> behind = TextIds(pair, pair.second_end, pair.size());
  firsts.insert(firsts.end(), behind.begin(), behind.end());
  ABSL_CHECK(firsts == TextIds(tokenizer.Encode(first)));
  ABSL_CHECK(TextIds(pair, pair.second_begin, pair.second_end) ==
             TextIds(tokenizer.Encode(second)));
  // Each window of one text stands with every one of the other.
  constexpr size_t kMostBytes = 200;
  if (first.size() + second.size() > kMostBytes) return;
  for (const Truncation truncation :
       {Truncation::kLongestFirst, Truncation::kOnlyFirst, Truncation::kOnlySecond}) {
    EncodeOptions options;
    options.max_length = 6;
    options.truncation = truncation;
    options.truncation_side = TruncationSide::kLeft;
    options.overflowing = true;
    options.stride = 1;
    const Encoding cut = tokenizer.EncodePair(first, second, options);
    CheckTokens(tokenizer, cut, texts, false);
    for (const Encoding& window : cut.overflowing) CheckTokens(tokenizer, window, texts, false);
  }
}

inline void CheckWords(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const Encoding all = tokenizer.EncodeWords(words);
  CheckTokens(tokenizer, all, words, true);
  std::vector<int32_t> ids;
  for (const std::string_view word : words) {
    const std::vector<int32_t> own = TextIds(tokenizer.EncodeWords({&word, 1}));
    ids.insert(ids.end(), own.begin(), own.end());
  }
  ABSL_CHECK(ids == TextIds(all));
}

// Texts, pairs, words, windows, batches and decoding.
inline void CheckEverything(const Tokenizer& tokenizer, std::string_view text) {
  const Encoding whole = tokenizer.Encode(text);
  CheckTokens(tokenizer, whole, {&text, 1}, false);
  CheckOrder(whole);
  CheckWindows(tokenizer, text, whole);
  const size_t middle = text.size() / 2;
  CheckPair(tokenizer, text.substr(0, middle), text.substr(middle));
  CheckWords(tokenizer, text);
  for (const size_t max_length : {size_t{0}, size_t{7}}) {
    EncodeOptions options;
    options.max_length = max_length;
    const std::string_view texts[] = {text, text.substr(middle), text};
    const EncodedBatch batch = tokenizer.EncodeBatch(texts, options, 2);
    std::vector<int32_t> ids, starts = {0};
    for (const std::string_view each : texts) {
      const Encoding encoding = tokenizer.Encode(each, options);
      ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
      starts.push_back(static_cast<int32_t>(ids.size()));
    }
    ABSL_CHECK(batch.ids == ids);
    ABSL_CHECK(batch.starts == starts);
  }
  tokenizer.Decode(whole.ids, true);
  tokenizer.Decode(whole.ids, false);
  // Ids of no text.
  std::vector<int32_t> ids = {-1};
  for (const char byte : text.substr(0, 64)) ids.push_back(static_cast<uint8_t>(byte));
  tokenizer.Decode(ids, false);
}

}  // namespace graft::fuzz

#endif  // GRAFT_TESTS_FUZZ_TOKENIZER_CHECKS_H_
