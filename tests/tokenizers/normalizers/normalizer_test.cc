#include "tokenizers/normalizers/normalizer.h"

#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/random_texts.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::StatusIs;

using Chars = std::vector<std::pair<std::string, Span>>;

// The characters of the normalized text with their spans. Expected values are those of the peer's
// NFC, Replace, ... with its FixedLength(1), in bytes.
Chars Normalized(Normalizer step, std::string_view text) {
  NormalizedText normalized;
  normalized.Assign(text, 0);
  std::vector<Normalizer> steps = {std::move(step)};
  Normalize(steps, normalized);
  Chars chars;
  for (size_t at = 0; at < normalized.size();) {
    const size_t length = CharLength(normalized.text()[at]);
    chars.emplace_back(normalized.text().substr(at, length), normalized.Source(at, at + length));
    at += length;
  }
  return chars;
}

Regex MakeRegex(std::string_view pattern) {
  auto regex = Regex::Compile(pattern);
  EXPECT_THAT(regex, testing::IsOk());
  return *std::move(regex);
}

TEST(NormalizerTest, AComposedCharacterHasTheSpanOfItsFirstOne) {
  EXPECT_THAT(Normalized(UnicodeForm{}, "ae\u0301\u0323x"),
              ElementsAre(Pair("a", Span{0, 1}), Pair("ẹ", Span{1, 2}), Pair("\u0301", Span{4, 6}),
                          Pair("x", Span{6, 7})));
  EXPECT_THAT(Normalized(UnicodeForm{}, "\u1112\u1161\u11ABx"),
              ElementsAre(Pair("한", Span{0, 3}), Pair("x", Span{9, 10})));
}

TEST(NormalizerTest, PartsOfACharacterHaveItsSpan) {
  EXPECT_THAT(
      Normalized(UnicodeForm{true, true}, "ﬁx½"),
      ElementsAre(Pair("f", Span{0, 3}), Pair("i", Span{0, 3}), Pair("x", Span{3, 4}),
                  Pair("1", Span{4, 6}), Pair("\u2044", Span{4, 6}), Pair("2", Span{4, 6})));
  EXPECT_THAT(Normalized(UnicodeForm{false, false}, "é"),
              ElementsAre(Pair("e", Span{0, 2}), Pair("\u0301", Span{0, 2})));
}

TEST(NormalizerTest, FormsDoTheSameTwiceAsOnce) {
  for (const bool compatibility : {false, true}) {
    for (const bool composed : {false, true}) {
      const UnicodeForm form{compatibility, composed};
      for (const std::string& text : testing::RandomTexts(3, 300)) {
        const std::string once = NormalizedForm({form}, text);
        ASSERT_EQ(NormalizedForm({form}, once), once);
      }
    }
  }
}

TEST(NormalizerTest, ReplacedTextHasTheSpanOfTheLastCharacterReplaced) {
  EXPECT_THAT(Normalized(Replace{{std::string("ab")}, "xyz"}, "cabd"),
              ElementsAre(Pair("c", Span{0, 1}), Pair("x", Span{2, 3}), Pair("y", Span{2, 3}),
                          Pair("z", Span{2, 3}), Pair("d", Span{3, 4})));
  EXPECT_THAT(Normalized(Replace{{MakeRegex("x*")}, "-"}, "axb"),
              ElementsAre(Pair("-", Span{0, 0}), Pair("a", Span{0, 1}), Pair("-", Span{1, 2}),
                          Pair("b", Span{2, 3}), Pair("-", Span{2, 3})));
  EXPECT_EQ(NormalizedForm({Replace{{std::string()}, "x"}}, "ab"), "ab");
}

TEST(NormalizerTest, WhatIsPutBeforeHasTheSpanOfTheFirstCharacter) {
  EXPECT_THAT(Normalized(Prepend{"▁_"}, "é"),
              ElementsAre(Pair("▁", Span{0, 2}), Pair("_", Span{0, 2}), Pair("é", Span{0, 2})));
  EXPECT_THAT(Normalized(Prepend{"▁"}, ""), ElementsAre());
}

TEST(NormalizerTest, SmallSteps) {
  EXPECT_EQ(NormalizedForm({StripEnds{}}, " \u3000a b\t"), "a b");
  EXPECT_EQ(NormalizedForm({StripEnds{false, true}}, " a "), " a");
  EXPECT_EQ(NormalizedForm({StripEnds{}}, " \n "), "");
  EXPECT_EQ(NormalizedForm({Lowercase{}}, "ÉİΣ"), "éi\u0307σ");
  EXPECT_EQ(NormalizedForm({StripAccents{}}, "e\u0301\u20DDé"), "eé");
  EXPECT_EQ(NormalizedForm({Nmt{}},
                           "a\x01"
                           "b\tc\u200Bd\u2581"),
            "ab c d ");
  EXPECT_EQ(NormalizedForm({ByteLevelNormalizer{}}, "a é\n"), "aĠÃ©Ċ");
}

// A trie of one rule for one byte: root, its child, the child's value.
std::string OneRuleCharsmap(char key, std::string_view text) {
  std::vector<uint32_t> units(512);
  units[0] = 256 << 10;
  const uint32_t place = 256 ^ static_cast<uint8_t>(key);
  units[place] = static_cast<uint8_t>(key) | 1 << 8;  // children begin at its own place
  units[place] |= (place ^ 256) << 10;
  units[256] = uint32_t{1} << 31;
  const uint32_t size = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string bytes(sizeof(size) + size, '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  std::memcpy(bytes.data() + sizeof(size), units.data(), size);
  return bytes.append(text).append(1, '\0');
}

TEST(CharsmapTest, RewritesWhatItsRulesName) {
  const auto map = Charsmap::Parse(OneRuleCharsmap('c', "see"));
  ASSERT_THAT(map, testing::IsOk());
  EXPECT_EQ(map->ShortestMatch("cat"), "see");
  EXPECT_EQ(map->ShortestMatch("at"), std::nullopt);
  EXPECT_EQ(map->LongestMatch("cat")->length, 1u);
  Precompiled step{std::make_shared<const Charsmap>(*map)};
  EXPECT_THAT(Normalized(step, "ac"), ElementsAre(Pair("a", Span{0, 1}), Pair("s", Span{1, 2}),
                                                  Pair("e", Span{1, 2}), Pair("e", Span{1, 2})));
  // A grapheme of less than 6 bytes is taken as a whole, by its first character's rule.
  EXPECT_EQ(NormalizedForm({step}, "c\u0301"), "see");
  EXPECT_EQ(NormalizedForm({step}, "c\u0301\u0301\u0301"), "see\u0301\u0301\u0301");
}

TEST(NormalizerTest, AStepThatWouldGrowATextPastItsLimitIsLeftOut) {
  const std::string text(1000, 'a');
  const size_t limit = NormalizedText::kMostGrowth * text.size() + NormalizedText::kFreeGrowth;
  for (const Normalizer& twice : std::vector<Normalizer>{Replace{{std::string("a")}, "aa"},
                                                         Replace{{MakeRegex("a")}, "aa"}}) {
    const std::string grown = NormalizedForm(std::vector<Normalizer>(64, twice), text);
    EXPECT_GT(grown.size(), limit / 2);
    EXPECT_LE(grown.size(), limit);
    EXPECT_EQ(grown.find_first_not_of('a'), grown.npos);
  }
  const std::string bytes =
      NormalizedForm(std::vector<Normalizer>(64, ByteLevelNormalizer{}), "\u00E9");
  EXPECT_LE(bytes.size(), 2 * NormalizedText::kMostGrowth + NormalizedText::kFreeGrowth);
  EXPECT_EQ(NormalizedForm({Prepend{std::string(100'000, 'b')}}, "a"), "a");
  Precompiled expands{std::make_shared<const Charsmap>(
      *Charsmap::Parse(OneRuleCharsmap('a', std::string(200, 'a'))))};
  EXPECT_EQ(NormalizedForm({expands, expands, expands}, "a").size(), 40'000u);
}

TEST(CharsmapTest, TheRootIsNoValueAndTextsAreShort) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  std::string root = OneRuleCharsmap('c', "see");
  root[7] = static_cast<char>(0x80);
  EXPECT_THAT(Charsmap::Parse(root),
              StatusIs(kInvalid, HasSubstr("expected a root with children, found a value")));
  EXPECT_THAT(Charsmap::Parse(OneRuleCharsmap('c', std::string(257, 'x'))),
              StatusIs(kInvalid, HasSubstr("texts of at most 256 bytes, found 257 bytes")));
  EXPECT_THAT(Charsmap::Parse(OneRuleCharsmap('c', std::string(256, 'x'))), testing::IsOk());
}

TEST(CharsmapTest, WhatPointsOutsideIsRefused) {
  const std::string good = OneRuleCharsmap('c', "see");
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto with_unit = [&good](size_t index, uint32_t unit) {
    std::string bytes = good;
    std::memcpy(bytes.data() + 4 + 4 * index, &unit, sizeof(unit));
    return Charsmap::Parse(bytes);
  };
  EXPECT_THAT(Charsmap::Parse(""), StatusIs(kInvalid, HasSubstr("the size of a trie in 4 bytes")));
  EXPECT_THAT(Charsmap::Parse(good.substr(0, 1000)), StatusIs(kInvalid, HasSubstr("in blocks")));
  EXPECT_THAT(Charsmap::Parse(good.substr(0, good.size() - 1)),
              StatusIs(kInvalid, HasSubstr("a NUL behind each text")));
  EXPECT_THAT(Charsmap::Parse(good.substr(0, 4 + 2048) + "\xFF" + '\0'),
              StatusIs(kInvalid, HasSubstr("texts in UTF-8")));
  EXPECT_THAT(with_unit(0, 4096 << 10),
              StatusIs(kInvalid, HasSubstr("a trie that points into its 512 units")));
  EXPECT_THAT(with_unit(7, 1U << 9 | 0xFFFFU << 10), StatusIs(kInvalid, HasSubstr("in unit 7")));
  EXPECT_THAT(with_unit(256, 1U << 31 | 1000),
              StatusIs(kInvalid, HasSubstr("rules that point into 4 bytes of text")));
  EXPECT_THAT(with_unit(256, 0), StatusIs(kInvalid, HasSubstr("a value for each rule")));
}

}  // namespace
}  // namespace graft
