#include "tokenizers/decoders/decoder.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace graft {
namespace {

std::string Join(std::vector<Decoder> steps, Tokens tokens) {
  return JoinTokens(std::move(steps), std::move(tokens));
}

TEST(DecoderTest, WithoutADecoderSpacesJoinTokens) {
  EXPECT_EQ(JoinTokens(std::nullopt, {"a", "b"}), "a b");
  EXPECT_EQ(JoinTokens(std::nullopt, {}), "");
}

TEST(DecoderTest, EachStepAlone) {
  EXPECT_EQ(Join({WordPieceDecoder{}}, {"a", "##b", ".", "do", "not"}), "ab. do not");
  EXPECT_EQ(Join({WordPieceDecoder{"##", false}}, {"a", "."}), "a .");
  EXPECT_EQ(Join({ByteLevelDecoder{}}, {"aĠ", "Ã", "©", "Ã", "<s>中"}), "a é\uFFFD<s>中");
  EXPECT_EQ(Join({MetaspaceDecoder{}}, {"▁a▁b", "▁c"}), "ab c");
  EXPECT_EQ(Join({MetaspaceDecoder{0x2581, Metaspace::Prepend::kNever}}, {"▁a", "▁b"}), " a b");
  EXPECT_EQ(Join({BpeDecoder{}}, {"a</w>", "b", "c</w>"}), "a bc");
  EXPECT_EQ(Join({ByteFallbackDecoder{}}, {"<0xE4>", "<0xBD>", "<0xA0>", "a", "<0xFF>", "<0x61>"}),
            "你a\uFFFD\uFFFD");
  EXPECT_EQ(Join({StripDecoder{U'_', 2, 1}}, {"___a__", "_"}), "_a_");
  EXPECT_EQ(Join({ReplaceDecoder{{std::string("a")}, "--"}}, {"aba", "c"}), "--b--c");
  EXPECT_EQ(Join({CtcDecoder{}}, {"a", "a", "<pad>", "a", "|", "b"}), "aa b");
}

TEST(DecoderTest, StepsFollowEachOther) {
  EXPECT_EQ(Join({ReplaceDecoder{{std::string("▁")}, " "}, ByteFallbackDecoder{}, FuseDecoder{},
                  StripDecoder{U' ', 1, 0}},
                 {"▁a", "<0xC3>", "<0xA9>", "▁b"}),
            "aé b");
}

TEST(DecoderTest, ReplacementsDoNotGrowTokensPastALimit) {
  const std::vector<Decoder> twice(64, ReplaceDecoder{{std::string("a")}, "aa"});
  const std::string joined = Join(twice, {"a", std::string(999, 'a')});
  EXPECT_GT(joined.size(), 32'000u);
  EXPECT_LE(joined.size(), 64u * 1000 + 65'536);
}

}  // namespace
}  // namespace graft
