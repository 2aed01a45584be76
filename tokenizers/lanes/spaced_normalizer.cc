#include "tokenizers/lanes/spaced_normalizer.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/utf8.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";
constexpr size_t kMostGrowthOfReplaces = 8;

// Whether a character may be of one grapheme with a space beside it.
bool JoinsSpaces(char32_t code) {
  if (code < 0x80) return false;
  switch (u_getIntPropertyValue(static_cast<UChar32>(code), UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    case U_GCB_EXTEND:
    case U_GCB_ZWJ:
    case U_GCB_SPACING_MARK:
    case U_GCB_PREPEND:
      return true;
    default:
      return (LookUpChar(code).flags & kCombiningMark) != 0;
  }
}

char32_t LastChar(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return CharAt(text.substr(begin));
}

bool EndsJoinSpaces(std::string_view text) {
  return !text.empty() && (JoinsSpaces(CharAt(text)) || JoinsSpaces(LastChar(text)));
}

bool IsOtherWhitespace(char32_t code) {
  return code != ' ' && (LookUpChar(code).flags & kWhitespace) != 0;
}

bool HasOtherWhitespace(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(CharLength(text[0]))) {
    if (IsOtherWhitespace(CharAt(text))) return true;
  }
  return false;
}

bool IsPrintable(char c) { return c > ' ' && c < '\x7F'; }

}  // namespace

std::optional<SpacedNormalizer> SpacedNormalizer::Create(const std::vector<Normalizer>& steps,
                                                         const AddedTokenMatcher& tokens,
                                                         bool splits) {
  SpacedNormalizer normalizer(tokens, splits);
  for (const Normalizer& step : steps) {
    if (!normalizer.AddStep(step)) return std::nullopt;
  }
  if (splits) normalizer.trims_end_ = true;
  if (!normalizer.collapses_ && !splits) return std::nullopt;
  if (normalizer.Normalized(" ") != " " || tokens.MayMatch(" ")) return std::nullopt;
  return normalizer;
}

bool SpacedNormalizer::AddStep(const Normalizer& step) {
  if (const auto* strip = std::get_if<StripEnds>(&step)) {
    strips_left_ |= strip->left;
    if (strip->right) trims_end_ = true;
    return true;
  }
  if (const auto* replace = std::get_if<Replace>(&step)) {
    if (!AddReplace(*replace)) return false;
  } else if (std::holds_alternative<UnicodeForm>(step) || std::holds_alternative<Lowercase>(step) ||
             std::holds_alternative<StripAccents>(step) || std::holds_alternative<Nmt>(step) ||
             std::holds_alternative<Precompiled>(step)) {
    steps_.push_back(step);
    collapses_ = false;
  } else {
    return false;
  }
  if (!collapses_ && (trims_end_ || strips_left_)) {
    // What this step leaves at the ends is not stripped.
    strips_raw_ends_ = true;
    trims_end_ = false;
  }
  return true;
}

bool SpacedNormalizer::AddReplace(const Replace& step) {
  if (const auto* regex = std::get_if<Regex>(&step.pattern.pattern)) {
    if (regex->source() != " {2,}" || (step.content != " " && step.content != kMark)) return false;
    collapses_ = true;
    return true;
  }
  const auto& text = std::get<std::string>(step.pattern.pattern);
  if (text.find(' ') != text.npos || step.content.find(' ') != text.npos) return false;
  // A text that reaches NormalizedText's limit does so as a whole.
  if (!text.empty()) growth_ *= std::max<size_t>(1, step.content.size() / text.size());
  if (growth_ > kMostGrowthOfReplaces) return false;
  if (text.size() > 1) replaced_.push_back(text);
  steps_.push_back(step);
  collapses_ = false;
  return true;
}

std::string SpacedNormalizer::Normalized(std::string_view text) const {
  return NormalizedForm(steps_, text);
}

bool SpacedNormalizer::Covers(std::string_view segment) const {
  if (!strips_raw_ends_ && !strips_left_ && !trims_end_) return true;
  if (splits_ && !strips_raw_ends_) return true;
  const Utf8Char first = DecodeUtf8(segment);
  if (!first.valid || IsOtherWhitespace(first.code)) return false;
  size_t last = segment.size() - 1;
  while (last > 0 && (static_cast<uint8_t>(segment[last]) & 0xC0) == 0x80) --last;
  const Utf8Char end = DecodeUtf8(segment.substr(last));
  if (!end.valid || IsOtherWhitespace(end.code)) return false;
  return !strips_raw_ends_ || (segment[0] != ' ' && segment.back() != ' ');
}

bool SpacedNormalizer::KeepsSpans(std::string_view segment) const {
  if (strips_left_ && segment[0] == ' ') return false;
  return std::none_of(replaced_.begin(), replaced_.end(),
                      [&](const std::string& text) { return segment.find(text) != segment.npos; });
}

bool SpacedNormalizer::IsSimple(char c) const {
  if (!IsPrintable(c)) return false;
  const std::string normalized = Normalized(std::string_view(&c, 1));
  return normalized.size() == 1 && IsPrintable(normalized[0]) && !tokens_->MayMatch(normalized);
}

bool SpacedNormalizer::Normalize(std::string_view chunk, std::string& out) {
  if (EndsJoinSpaces(chunk)) return false;
  text_.Assign(chunk, 0);
  graft::Normalize(steps_, text_);
  const std::string_view text = text_.text();
  if (EndsJoinSpaces(text) || tokens_->MayMatch(text)) return false;
  // A space that comes from the chunk is one at the end of the text when nothing stands behind it.
  if (!trims_end_ && (text.empty() || text.back() == ' ')) return false;
  if ((splits_ || trims_end_ || strips_left_) && HasOtherWhitespace(text)) return false;
  out.append(text);
  return true;
}

}  // namespace graft
