#include "tools/line_texts.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tokenizers/tokenizer.h"

namespace graft::tools {
namespace {

using ::graft::testing::IsOkAndHolds;
using ::graft::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SplitLineTest, TextIsTheWholeLine) {
  EXPECT_THAT(SplitLine(" a\tb ", LineForm::kText), IsOkAndHolds(ElementsAre(" a\tb ")));
  EXPECT_THAT(SplitLine("", LineForm::kText), IsOkAndHolds(ElementsAre("")));
}

TEST(SplitLineTest, WordsStandBetweenSpacesAndTabs) {
  EXPECT_THAT(SplitLine("\ta  b\tc ", LineForm::kWords), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(SplitLine(" \t", LineForm::kWords), IsOkAndHolds(IsEmpty()));
}

TEST(SplitLineTest, PairHasOneTab) {
  EXPECT_THAT(SplitLine("a b\t", LineForm::kPair), IsOkAndHolds(ElementsAre("a b", "")));
  EXPECT_THAT(SplitLine("a b", LineForm::kPair),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found no tab")));
  EXPECT_THAT(SplitLine("a\tb\tc", LineForm::kPair),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found 2 tabs")));
}

class EncodeTextsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = LoadTokenizer(GRAFT_SOURCE_DIR "/tests/golden/tokenizers/uncased");
    ASSERT_THAT(tokenizer, graft::testing::IsOk());
    tokenizer_ = *std::move(tokenizer);
  }

  // Offsets without those of special tokens.
  std::vector<Span> Offsets(LineForm form, const std::vector<std::string_view>& texts,
                            OffsetUnit unit) {
    EncodeOptions options;
    options.add_special_tokens = false;
    return EncodeTexts(*tokenizer_, form, texts, options, unit).offsets;
  }

  std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_F(EncodeTextsTest, OffsetsCountInTheUnit) {
  const std::string_view text = "\U0001F600 hello";  // 4 bytes, 1 code point, 2 UTF-16 units
  EXPECT_THAT(Offsets(LineForm::kText, {text}, OffsetUnit::kBytes),
              ElementsAre(Span{0, 4}, Span{5, 10}));
  EXPECT_THAT(Offsets(LineForm::kText, {text}, OffsetUnit::kCodePoints),
              ElementsAre(Span{0, 1}, Span{2, 7}));
  EXPECT_THAT(Offsets(LineForm::kText, {text}, OffsetUnit::kUtf16),
              ElementsAre(Span{0, 2}, Span{3, 8}));
}

TEST_F(EncodeTextsTest, OffsetsOfAPairCountFromTheTextThatTheTokenIsPartOf) {
  EXPECT_THAT(Offsets(LineForm::kPair, {"\u00e9 a", "\u00e9\u00e9 a"}, OffsetUnit::kCodePoints),
              ElementsAre(Span{0, 1}, Span{2, 3}, Span{0, 1}, Span{1, 2}, Span{3, 4}));
}

TEST_F(EncodeTextsTest, OffsetsOfWordsCountFromTheWord) {
  EXPECT_THAT(Offsets(LineForm::kWords, {"\u00e9", "", "\u00e9\u00e9"}, OffsetUnit::kCodePoints),
              ElementsAre(Span{0, 1}, Span{0, 1}, Span{1, 2}));
}

TEST_F(EncodeTextsTest, OffsetsOfWindowsAreConvertedToo) {
  EncodeOptions options;
  options.max_length = 3;
  options.overflowing = true;
  const Encoding encoding = EncodeTexts(*tokenizer_, LineForm::kText, {"\u00e9 \u00e9 a"}, options,
                                        OffsetUnit::kCodePoints);
  ASSERT_EQ(encoding.overflowing.size(), 2);
  EXPECT_THAT(encoding.overflowing[1].offsets, ElementsAre(Span{0, 0}, Span{4, 5}, Span{0, 0}));
}

}  // namespace
}  // namespace graft::tools
