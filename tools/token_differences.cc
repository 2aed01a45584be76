#include "tools/token_differences.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace graft::tools {
namespace {

std::string ToText(const Span& span) { return absl::StrCat("[", span.begin, ", ", span.end, "]"); }
std::string ToText(int32_t number) { return number < 0 ? "null" : absl::StrCat(number); }
std::string ToText(std::string_view token) { return Quoted(token); }

// `describe` makes a value readable.
template <typename Expected, typename Found, typename Describe>
std::optional<TokenDifference> Compare(std::string_view field, const Expected& expected,
                                       const Found& found, const Describe& describe) {
  const auto [one, other] =
      std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  if (one == expected.end() && other == found.end()) return std::nullopt;
  return TokenDifference{
      .field = field,
      .token = static_cast<size_t>(one - expected.begin()),
      .expected = one == expected.end() ? "the end" : describe(*one),
      .found = other == found.end() ? "the end" : describe(*other),
  };
}

std::vector<std::string_view> TokensOf(const Tokenizer& tokenizer, absl::Span<const int32_t> ids) {
  std::vector<std::string_view> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) tokens.push_back(tokenizer.IdToToken(id).value_or(""));
  return tokens;
}

std::optional<TokenDifference> CompareField(TokenField field, const ReferenceTokens& expected,
                                            const Encoding& found, const Tokenizer& tokenizer) {
  const std::string_view name = kTokenFieldNames[static_cast<size_t>(field)];
  const Encoding& other = expected.encoding;
  const auto to_text = [](const auto& value) { return ToText(value); };
  switch (field) {
    case TokenField::kIds:
      return FindIdDifference(name, other.ids, found.ids, tokenizer);
    case TokenField::kTokens:
      return Compare(name, expected.tokens, TokensOf(tokenizer, found.ids), to_text);
    case TokenField::kOffsets:
      return Compare(name, other.offsets, found.offsets, to_text);
    case TokenField::kWordIds:
      return Compare(name, other.word_ids, found.word_ids, to_text);
    case TokenField::kTypeIds:
      return Compare(name, other.type_ids, found.type_ids, to_text);
    case TokenField::kSpecialTokensMask:
      return Compare(name, other.special_tokens_mask, found.special_tokens_mask, to_text);
  }
  return std::nullopt;
}

}  // namespace

std::vector<TokenDifference> FindDifferences(const ReferenceTokens& expected, const Encoding& found,
                                             absl::Span<const TokenField> fields,
                                             const Tokenizer& tokenizer) {
  std::vector<TokenDifference> differences;
  for (const TokenField field : fields) {
    auto difference = CompareField(field, expected, found, tokenizer);
    if (difference) differences.push_back(*std::move(difference));
  }
  return differences;
}

std::optional<TokenDifference> FindIdDifference(std::string_view field,
                                                absl::Span<const int32_t> expected,
                                                absl::Span<const int32_t> found,
                                                const Tokenizer& tokenizer) {
  return Compare(field, expected, found, [&tokenizer](int32_t id) {
    const auto token = tokenizer.IdToToken(id);
    return token ? absl::StrCat(id, " ", Quoted(*token)) : absl::StrCat(id, ", no known id");
  });
}

}  // namespace graft::tools
