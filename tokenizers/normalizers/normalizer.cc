#include "tokenizers/normalizers/normalizer.h"

#include <algorithm>

#include "tokenizers/byte_alphabet.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

bool IsAscii(std::string_view text) {
  uint8_t all = 0;
  for (const char c : text) all |= static_cast<uint8_t>(c);
  return all < 0x80;
}

// Keeps the characters for which keep(code) holds.
template <typename Keep>
void Filter(NormalizedText& text, const Keep& keep) {
  TextRewriter out(text);
  while (!out.rest().empty()) {
    const size_t length = CharLength(out.rest()[0]);
    if (keep(CharAt(out.rest()))) {
      out.Copy(length);
    } else {
      out.Skip(length);
    }
  }
  out.Commit();
}

bool IsWhitespace(std::string_view text) { return (LookUpChar(CharAt(text)).flags & kWhitespace); }

// Lists of SentencePiece's nmt rules.
bool NmtRemoves(char32_t c) {
  return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}
bool NmtMakesSpace(char32_t c) {
  return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
         c == 0xFFFD;
}

}  // namespace

void Normalize(std::vector<Normalizer>& steps, NormalizedText& text) {
  for (Normalizer& step : steps) std::visit([&text](auto& s) { s.Apply(text); }, step);
}

void BeginText(std::vector<Normalizer>& steps, size_t bytes) {
  for (Normalizer& step : steps) {
    if (auto* replace = std::get_if<Replace>(&step)) replace->pattern.BeginText(bytes);
  }
}

const Regex* FindExhausted(const std::vector<Normalizer>& steps) {
  for (const Normalizer& step : steps) {
    const auto* replace = std::get_if<Replace>(&step);
    if (replace == nullptr) continue;
    const auto* regex = std::get_if<Regex>(&replace->pattern.pattern);
    if (regex != nullptr && regex->exhausted()) return regex;
  }
  return nullptr;
}

std::string NormalizedForm(std::vector<Normalizer> steps, std::string_view text) {
  NormalizedText normalized;
  normalized.Assign(text, 0);
  Normalize(steps, normalized);
  return std::string(normalized.text());
}

void Lowercase::Apply(NormalizedText& text) const {
  TextRewriter out(text);
  while (!out.rest().empty()) {
    const char32_t code = CharAt(out.rest());
    const CharInfo& info = LookUpChar(code);
    out.Replace(info.lower);
    if ((info.flags & kLowersToTwo) != 0) out.Insert(kSecondOfLower);
  }
  out.Commit();
}

void StripAccents::Apply(NormalizedText& text) const {
  if (IsAscii(text.text())) return;
  Filter(text, [](char32_t code) { return (LookUpChar(code).flags & kCombiningMark) == 0; });
}

void StripEnds::Apply(NormalizedText& text) const {
  const std::string_view all = text.text();
  size_t begin = 0;
  while (left && begin < all.size() && IsWhitespace(all.substr(begin))) {
    begin += CharLength(all[begin]);
  }
  size_t end = all.size();
  while (right && end > begin) {
    size_t last = end - 1;
    while ((all[last] & 0xC0) == 0x80) --last;
    if (!IsWhitespace(all.substr(last))) break;
    end = last;
  }
  TextRewriter out(text);
  out.Skip(begin);
  out.Copy(end - begin);
  out.Commit();
}

void Prepend::Apply(NormalizedText& text) const {
  if (text.size() == 0 || prefix.size() > text.limit()) return;
  TextRewriter out(text);
  for (size_t at = 0; at < prefix.size(); at += CharLength(prefix[at])) {
    out.InsertBefore(CharAt(std::string_view(prefix).substr(at)));
  }
  out.Copy(text.size());
  out.Commit();
}

const std::vector<Span>& Pattern::Find(std::string_view text) {
  if (auto* regex = std::get_if<Regex>(&pattern)) return regex->Find(text);
  const std::string& fixed = std::get<std::string>(pattern);
  matches.clear();
  if (fixed.empty()) return matches;
  for (size_t at = text.find(fixed); at != text.npos; at = text.find(fixed, at + fixed.size())) {
    matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + fixed.size())});
  }
  return matches;
}

void Pattern::BeginText(size_t bytes) {
  if (auto* regex = std::get_if<Regex>(&pattern)) regex->BeginText(bytes);
}

void Replace::Apply(NormalizedText& text) {
  const std::vector<Span>& matches = pattern.Find(text.text());
  if (matches.empty() || content.size() * matches.size() > text.limit()) return;
  TextRewriter out(text);
  for (const Span match : matches) {
    out.Copy(match.begin - out.at());
    out.Skip(match.end - match.begin);
    for (size_t at = 0; at < content.size(); at += CharLength(content[at])) {
      out.Insert(CharAt(std::string_view(content).substr(at)));
    }
  }
  out.Copy(text.size() - out.at());
  out.Commit();
}

void Nmt::Apply(NormalizedText& text) const {
  TextRewriter out(text);
  while (!out.rest().empty()) {
    const char32_t code = CharAt(out.rest());
    const size_t length = CharLength(out.rest()[0]);
    if (NmtRemoves(code)) {
      out.Skip(length);
    } else if (NmtMakesSpace(code)) {
      out.Replace(' ');
    } else {
      out.Copy(length);
    }
  }
  out.Commit();
}

void ByteLevelNormalizer::Apply(NormalizedText& text) const {
  TextRewriter out(text);
  while (!out.rest().empty()) {
    const std::string_view rest = out.rest();
    const size_t length = CharLength(rest[0]);
    for (size_t i = 0; i < length; ++i) {
      out.InsertBefore(kByteCharacters[static_cast<uint8_t>(rest[i])]);
    }
    out.Skip(length);
  }
  out.Commit();
}

void BertSteps::Apply(NormalizedText& text) const {
  TextRewriter out(text);
  auto sink = [&](char32_t code, uint16_t, Span span) {
    out.PutWithSpan(code, text.Source(span.begin, span.end));
  };
  BertNormalizer(options, sink).Normalize(text.text());
  out.Commit();
}

}  // namespace graft
