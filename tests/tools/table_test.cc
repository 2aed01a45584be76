#include "tools/table.h"

#include "gtest/gtest.h"

namespace graft::tools {
namespace {

TEST(TableTest, AlignsColumnsUnderTheirHeaders) {
  Table table({{"label"}, {"f1", Align::kRight}});
  table.AddRow({"negative", "0.9"});
  table.AddRow({"pos", "0.87"});
  table.AddRule();
  table.AddRow({"all", "0.88"});
  EXPECT_EQ(table.ToString(2),
            "  label       f1\n"
            "  --------  ----\n"
            "  negative   0.9\n"
            "  pos       0.87\n"
            "  --------  ----\n"
            "  all       0.88\n");
}

TEST(TableTest, WithoutHeadersNoRuleStandsAtTheTop) {
  Table table({{""}, {""}});
  table.AddRow({"a", ""});
  table.AddRow({"bc", "d"});
  EXPECT_EQ(table.ToString(), "a\nbc  d\n");
}

TEST(TableTest, WideAndCombiningCharactersKeepTheColumns) {
  Table table({{"label"}, {"n"}});
  table.AddRow({"好评", "1"});
  table.AddRow({"cafe\u0301", "2"});
  EXPECT_EQ(table.ToString(), "label  n\n-----  -\n好评   1\ncafe\u0301   2\n");
}

TEST(TableTest, CellsCannotMoveTheCursor) {
  Table table({{""}});
  table.AddRow(
      {"a\x1b[2Jb\nc\xC2\x9B"
       "d"});
  EXPECT_EQ(table.ToString(), "a\\x1b[2Jb\\nc\\x9bd\n");
}

TEST(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("naïve"), 5);
  EXPECT_EQ(DisplayWidth("Ａ語"), 4);
  EXPECT_EQ(DisplayWidth("a\u200D\u0308"), 1);
}

TEST(ShortenTest, NeverPassesTheWidthNorCutsACharacter) {
  EXPECT_EQ(Shorten("short", 5), "short");
  EXPECT_EQ(Shorten("a long one", 6), "a l...");
  EXPECT_EQ(Shorten("語語語語", 6), "語...");
  EXPECT_EQ(Shorten("abcdef", 3), "abc");
  EXPECT_EQ(Shorten("abc", 0), "");
}

TEST(WithThousandsTest, PartsThreeDigits) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(30522), "30,522");
  EXPECT_EQ(WithThousands(-1234567), "-1,234,567");
  EXPECT_EQ(WithThousands(-123), "-123");
}

}  // namespace
}  // namespace graft::tools
