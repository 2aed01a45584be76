#include "tools/line_blocks.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft::tools {
namespace {

using ::graft::testing::IsOkAndHolds;
using ::graft::testing::StatusIs;
using ::graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<std::string> Lines(const LineBlock& block) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < block.size(); ++i) lines.emplace_back(block[i]);
  return lines;
}

TEST(LineBlocksTest, ABlockEndsWithItsBytesOrItsText) {
  const TemporaryFolder folder;
  LineBlocks blocks({folder.Write("a", "one\n\ntwo\nthree"), folder.Write("empty", ""),
                     folder.Write("b", "four\n")},
                    {}, /*block_bytes=*/5);
  LineBlock block;
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_THAT(Lines(block), ElementsAre("one", ""));
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_THAT(Lines(block), ElementsAre("two", "three"));
  EXPECT_THAT(block.Place(1), EndsWith("/a:4"));
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_THAT(Lines(block), ElementsAre("four"));
  EXPECT_THAT(block.Place(0), EndsWith("/b:1"));
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(false));
}

TEST(LineBlocksTest, BlocksOfEmptyLinesEndToo) {
  const TemporaryFolder folder;
  LineBlocks blocks({folder.Write("a", std::string(7, '\n'))}, {}, /*block_bytes=*/4);
  LineBlock block;
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_EQ(block.size(), 4);
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_EQ(block.size(), 3);
}

TEST(LineBlocksTest, LinesBeforeAMistakeComeFirst) {
  const TemporaryFolder folder;
  LineBlocks blocks({folder.Write("a", "one\ntwo\n\xff\nfour\n")}, {}, /*block_bytes=*/100);
  LineBlock block;
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_THAT(Lines(block), ElementsAre("one", "two"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(blocks.Next(block), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("/a:3")));
    EXPECT_EQ(block.size(), 0);
  }
}

TEST(LineBlocksTest, AMissingTextIsAMistakeWhenItsTurnComes) {
  const TemporaryFolder folder;
  LineBlocks blocks({folder.Write("a", "one\n"), folder / "nowhere"}, {}, /*block_bytes=*/100);
  LineBlock block;
  EXPECT_THAT(blocks.Next(block), IsOkAndHolds(true));
  EXPECT_THAT(blocks.Next(block), StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

}  // namespace
}  // namespace graft::tools
