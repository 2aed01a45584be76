#include "base/utf8.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace graft {
namespace {

TEST(Utf8Test, EveryScalarValueSurvivesEncodingAndDecoding) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(code, text);
    const Utf8Char c = DecodeUtf8(text + "x");
    ASSERT_TRUE(c.valid) << static_cast<uint32_t>(code);
    ASSERT_TRUE(c.code == code) << static_cast<uint32_t>(code);
    ASSERT_EQ(static_cast<size_t>(c.length), text.size());
    ASSERT_FALSE(FindInvalidUtf8(text)) << static_cast<uint32_t>(code);
  }
}

TEST(Utf8Test, SurrogatesAreIllFormed) {
  for (int code = 0xD800; code <= 0xDFFF; ++code) {
    const std::string text = {static_cast<char>(0xED), static_cast<char>(0x80 | ((code >> 6) & 63)),
                              static_cast<char>(0x80 | (code & 63))};
    ASSERT_EQ(FindInvalidUtf8(text), 0u) << code;
    ASSERT_EQ(DecodeUtf8(text).length, 1);
  }
}

// Lengths of maximal subparts: Unicode 15, table 3-8 and the text around it.
TEST(Utf8Test, IllFormedPartsAreMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x80", r},
      {"\xC0\xAF", r + r},
      {"\xE0\x80\xBF", r + r + r},
      {"\xE2\x82", r},
      {"\xE2\x82"
       "a",
       r + "a"},
      {"\xF0\x9F\x98", r},
      {"\xF0\x80\x80\x80", r + r + r + r},
      {"\xF4\x90\x80\x80", r + r + r + r},
      {"\xF5\x80", r + r},
      {"\xFF", r},
      {"\xF1\x80\xC3\xA9", r + "\xC3\xA9"},
      {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
       "a" + r + r + r + "b" + r + "c" + r + r + "d"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(ReplaceInvalidUtf8(text), expected) << text;
}

TEST(Utf8Test, FindsTheFirstIllFormedByteAtEveryPlace) {
  for (size_t length = 1; length < 200; length += 7) {
    const std::string good(length, 'a');
    EXPECT_FALSE(FindInvalidUtf8(good));
    for (size_t at = 0; at < length; ++at) {
      std::string bad = good;
      bad[at] = '\xC3';  // a lead byte without its second byte
      ASSERT_EQ(FindInvalidUtf8(bad), at);
    }
  }
}

TEST(Utf8Test, CountsCharacters) {
  EXPECT_EQ(CountUtf8(""), 0u);
  EXPECT_EQ(CountUtf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 4u);
}

TEST(Utf8Test, QuotedIsOnePrintableShortLine) {
  EXPECT_EQ(Quoted("gelu"), "'gelu'");
  EXPECT_EQ(Quoted(""), "''");
  EXPECT_EQ(Quoted("a\nb\x1B[31m\x7F"), "'a\\x0Ab\\x1B[31m\\x7F'");
  EXPECT_EQ(Quoted("\xC2\x9B"), "'\\xC2\\x9B'");  // a control character of two bytes
  EXPECT_EQ(Quoted("\xFF\xE2\x82"), "'\\xFF\\xE2\\x82'");
  EXPECT_EQ(Quoted("\xC3\xA9\xC3\xA9", 3), "'\xC3\xA9...'");
  EXPECT_EQ(Quoted("\xC3\xA9\xC3\xA9", 4), "'\xC3\xA9\xC3\xA9'");
}

}  // namespace
}  // namespace graft
