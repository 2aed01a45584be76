#include "models/freeze_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using ::graft::testing::StatusIs;
using ::testing::HasSubstr;

TEST(FreezePlan, CountsFrozenStages) {
  const auto stages = [](std::string_view text) {
    return FreezePlan::Parse(text, 6)->frozen_stages();
  };
  EXPECT_EQ(stages("none"), 0);
  EXPECT_EQ(stages("embeddings"), 1);
  EXPECT_EQ(stages("0"), 1);
  EXPECT_EQ(stages("3"), 4);
  EXPECT_EQ(stages("6"), 7);
  EXPECT_EQ(stages("all"), 7);
}

TEST(FreezePlan, RefusesWhatTheEncoderDoesNotHave) {
  for (const char* text : {"7", "9", "-1", "", "half", "3x", "1e1", " 3x"}) {
    EXPECT_THAT(FreezePlan::Parse(text, 6),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from 0 to 6")))
        << text;
  }
}

TEST(FreezePlan, TextReadsBackAsTheSamePlan) {
  for (const char* text : {"none", "embeddings", "1", "5", "all"}) {
    EXPECT_EQ(FreezePlan::Parse(text, 6)->ToString(6), text);
  }
  EXPECT_EQ(FreezePlan::Parse("6", 6)->ToString(6), "all");
}

TEST(FreezePlan, DescribesForPeople) {
  EXPECT_EQ(FreezePlan::Parse("none", 6)->Describe(6), "nothing");
  EXPECT_EQ(FreezePlan::Parse("0", 6)->Describe(6), "the embeddings");
  EXPECT_EQ(FreezePlan::Parse("1", 6)->Describe(6), "the embeddings and layer 1 of 6");
  EXPECT_EQ(FreezePlan::Parse("3", 6)->Describe(6), "the embeddings and layers 1-3 of 6");
}

}  // namespace
}  // namespace graft
