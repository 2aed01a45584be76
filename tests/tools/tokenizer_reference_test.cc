#include "tools/tokenizer_reference.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tools/token_differences.h"

namespace graft::tools {
namespace {

using ::graft::testing::IsOk;
using ::graft::testing::IsOkAndHolds;
using ::graft::testing::StatusIs;
using ::graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::string_view kHeader =
    R"({"format": "graft tokenizer reference", "version": 1, "made_with": {"peer": "1.2"},)"
    R"( "fields": ["word_ids", "ids", "tokens"], "offsets": "utf16", "options": {"form": "pair",)"
    R"( "add_special_tokens": false, "max_length": 9, "truncation": "only_first",)"
    R"( "truncation_side": "left", "stride": 2}})";
constexpr std::string_view kRecord =
    R"({"ids": [7, 8], "word_ids": [null, 3], "tokens": ["a", "\u00e9"],)"
    R"( "windows": [{"ids": [], "word_ids": [], "tokens": []}]})";

TEST(TokenizerReferenceTest, HeaderSaysHowItWasMade) {
  const TemporaryFolder folder;
  const auto reference = TokenizerReference::Open(folder.Write("r", kHeader));
  ASSERT_THAT(reference, IsOk());
  const ReferenceHeader& header = reference->header();
  EXPECT_EQ(header.form, LineForm::kPair);
  EXPECT_EQ(header.offsets, OffsetUnit::kUtf16);
  EXPECT_THAT(header.fields,
              ElementsAre(TokenField::kIds, TokenField::kTokens, TokenField::kWordIds));
  EXPECT_THAT(header.made_with, ElementsAre(Pair("peer", "1.2")));
  EXPECT_FALSE(header.options.add_special_tokens);
  EXPECT_EQ(header.options.max_length, 9);
  EXPECT_EQ(header.options.truncation, Truncation::kOnlyFirst);
  EXPECT_EQ(header.options.truncation_side, TruncationSide::kLeft);
  EXPECT_TRUE(header.options.overflowing);
  EXPECT_EQ(header.options.stride, 2);
}

TEST(TokenizerReferenceTest, RecordsHaveTheFieldsOfTheHeader) {
  const TemporaryFolder folder;
  auto reference = TokenizerReference::Open(
      folder.Write("r", std::string(kHeader) + "\n" + std::string(kRecord) + "\n"));
  ASSERT_THAT(reference, IsOk());
  ReferenceRecord record;
  EXPECT_THAT(reference->Next(record), IsOkAndHolds(true));
  EXPECT_THAT(reference->Place(), EndsWith("/r:2"));
  ASSERT_EQ(record.size(), 2);
  EXPECT_THAT(record[0].encoding.ids, ElementsAre(7, 8));
  EXPECT_THAT(record[0].encoding.word_ids, ElementsAre(-1, 3));
  EXPECT_THAT(record[0].tokens, ElementsAre("a", "\u00e9"));
  EXPECT_THAT(record[0].encoding.offsets, IsEmpty());
  EXPECT_THAT(record[1].encoding.ids, IsEmpty());
  EXPECT_THAT(reference->Next(record), IsOkAndHolds(false));
}

TEST(TokenizerReferenceTest, ARecordWithoutItsWindowsIsRefused) {
  const TemporaryFolder folder;
  auto reference = TokenizerReference::Open(folder.Write(
      "r", std::string(kHeader) + "\n{\"ids\": [], \"word_ids\": [], \"tokens\": []}\n"));
  ASSERT_THAT(reference, IsOk());
  ReferenceRecord record;
  EXPECT_THAT(reference->Next(record), StatusIs(absl::StatusCode::kInvalidArgument,
                                                HasSubstr("/r:2: expected the key 'windows'")));
}

class FindDifferencesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = LoadTokenizer(GRAFT_SOURCE_DIR "/tests/golden/tokenizers/uncased");
    ASSERT_THAT(tokenizer, IsOk());
    tokenizer_ = *std::move(tokenizer);
    found_ = tokenizer_->Encode("hello world");
    expected_ = {found_, {"[CLS]", "hello", "world", "[SEP]"}};
  }

  std::vector<TokenDifference> Find() {
    constexpr TokenField kAll[] = {TokenField::kIds,     TokenField::kTokens,
                                   TokenField::kOffsets, TokenField::kWordIds,
                                   TokenField::kTypeIds, TokenField::kSpecialTokensMask};
    return FindDifferences(expected_, found_, kAll, *tokenizer_);
  }

  std::unique_ptr<const Tokenizer> tokenizer_;
  Encoding found_;
  ReferenceTokens expected_;
};

TEST_F(FindDifferencesTest, EqualTokensHaveNone) { EXPECT_THAT(Find(), IsEmpty()); }

TEST_F(FindDifferencesTest, EveryFieldIsCompared) {
  expected_.encoding.ids[1] = 1 << 30;
  expected_.tokens[1] = "Hello";
  expected_.encoding.offsets[2] = {6, 7};
  expected_.encoding.word_ids[3] = 2;
  expected_.encoding.type_ids[2] = 1;
  expected_.encoding.special_tokens_mask[0] = 0;
  const std::vector<TokenDifference> found = Find();
  std::vector<std::string> lines;
  for (const TokenDifference& d : found) {
    lines.push_back(std::string(d.field) + " " + std::to_string(d.token) + ": " + d.expected +
                    " | " + d.found);
  }
  EXPECT_THAT(lines, ElementsAre("ids 1: 1073741824, no known id | 56 'hello'",
                                 "tokens 1: 'Hello' | 'hello'", "offsets 2: [6, 7] | [6, 11]",
                                 "word_ids 3: 2 | null", "type_ids 2: 1 | 0",
                                 "special_tokens_mask 0: 0 | 1"));
}

TEST_F(FindDifferencesTest, TheFirstTokenBehindTheShorterListDiffers) {
  const auto missing = FindIdDifference("ids", {2, 56}, {2}, *tokenizer_);
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->token, 1);
  EXPECT_EQ(missing->expected, "56 'hello'");
  EXPECT_EQ(missing->found, "the end");
  EXPECT_EQ(FindIdDifference("ids", {}, {2}, *tokenizer_)->expected, "the end");
}

}  // namespace
}  // namespace graft::tools
