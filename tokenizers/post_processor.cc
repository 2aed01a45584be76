#include "tokenizers/post_processor.h"

#include <algorithm>

#include "base/utf8.h"
#include "tokenizers/byte_alphabet.h"
#include "tokenizers/normalizers/normalized_text.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

bool IsSpace(char32_t code) {
  return code == kSpaceCharacter || (LookUpChar(code).flags & kWhitespace) != 0;
}

// The place `count` characters behind `at`, at most `end`.
uint32_t Forward(std::string_view text, uint32_t at, uint32_t end, size_t count) {
  for (; count > 0 && at < end; --count) {
    at += static_cast<uint32_t>(DecodeUtf8(text.substr(at)).length);
  }
  return std::min(at, end);
}

// Bytes of the last character of `text`, which is not empty.
uint32_t LastCharLength(std::string_view text) {
  for (size_t length = std::min<size_t>(4, text.size()); length > 1; --length) {
    const Utf8Char c = DecodeUtf8(text.substr(text.size() - length));
    if (static_cast<size_t>(c.length) == length) return static_cast<uint32_t>(length);
  }
  return 1;
}

}  // namespace

PostProcessor PostProcessor::Bert(int32_t cls, int32_t sep) {
  const TemplatePiece begin{Kind::kSpecial, 0, {cls}}, first{Kind::kFirstText, 0},
      end{Kind::kSpecial, 0, {sep}};
  PostProcessor result;
  result.single = {begin, first, end};
  result.pair = {begin, first, end, {Kind::kSecondText, 1}, {Kind::kSpecial, 1, {sep}}};
  return result;
}

PostProcessor PostProcessor::Roberta(int32_t cls, int32_t sep) {
  const TemplatePiece begin{Kind::kSpecial, 0, {cls}}, first{Kind::kFirstText, 0},
      end{Kind::kSpecial, 0, {sep}};
  PostProcessor result;
  result.single = {begin, first, end};
  result.pair = {begin, first, {Kind::kSpecial, 0, {sep, sep}}, {Kind::kSecondText, 0}, end};
  return result;
}

size_t CountSpecialTokens(const std::vector<TemplatePiece>& pieces) {
  size_t count = 0;
  for (const TemplatePiece& piece : pieces) count += piece.ids.size();
  return count;
}

TokenEnds WhitespaceAtEnds(std::string_view token) {
  TokenEnds ends;
  for (size_t at = 0; at < token.size(); ++ends.leading) {
    const Utf8Char c = DecodeUtf8(token.substr(at));
    if (!IsSpace(c.code)) break;
    at += static_cast<size_t>(c.length);
  }
  while (!token.empty()) {
    const size_t length = LastCharLength(token);
    if (!IsSpace(DecodeUtf8(token.substr(token.size() - length)).code)) break;
    token.remove_suffix(length);
    ++ends.trailing;
  }
  return ends;
}

Span TrimSpan(const TrimRule& rule, std::string_view text, const TokenEnds& ends, bool first,
              Span span) {
  const bool own_space = rule.add_prefix_space && ends.leading == 1 && (first || span.begin == 0);
  if (ends.leading > 0 && !own_space) {
    span.begin = Forward(text, span.begin, span.end, ends.leading);
  }
  uint32_t end = span.end;
  for (size_t count = ends.trailing; count > 0; --count) {
    if (end == 0) return span;  // the peer leaves such tokens as they are
    end -= LastCharLength(text.substr(0, end));
  }
  span.end = std::max(end, span.begin);
  return span;
}

}  // namespace graft
