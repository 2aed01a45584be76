#include "tools/option_values.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft::tools {
namespace {

using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using ::testing::Optional;
using testing::StatusIs;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST(ParseIntegerTest, ReadsDecimalNumbers) {
  EXPECT_THAT(ParseInteger("0", 0, 9), IsOkAndHolds(0));
  EXPECT_THAT(ParseInteger("010", 0, 99), IsOkAndHolds(10));
  EXPECT_THAT(ParseInteger("-5", -5, 5), IsOkAndHolds(-5));
  EXPECT_THAT(ParseInteger("9223372036854775807", 0, kMost), IsOkAndHolds(kMost));
}

TEST(ParseIntegerTest, RefusesEverythingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "0x10", "1e3", "1.0", "1,000", "one", "-",
                           "9223372036854775808", "-9223372036854775809", "nan", "\xD9\xA1"}) {
    EXPECT_THAT(ParseInteger(text, kLeast, kMost), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(ParseInteger("10", 1, 9), StatusIs(absl::StatusCode::kInvalidArgument,
                                                 "expected an integer from 1 to 9, found '10'"));
}

TEST(ParseNumberTest, ReadsDecimalNumbers) {
  EXPECT_THAT(ParseNumber("5e-5", {.min = 0, .max = 1}), IsOkAndHolds(5e-5));
  EXPECT_THAT(ParseNumber("0", {.min = 0, .max = 1}), IsOkAndHolds(0.0));
  EXPECT_THAT(ParseNumber("1", {.min = 0, .max = 1}), IsOkAndHolds(1.0));
  EXPECT_THAT(ParseNumber(".5", {.min = 0, .max = 1}), IsOkAndHolds(0.5));
}

TEST(ParseNumberTest, RefusesEverythingElse) {
  const NumberRange wide{.min = -1e300, .max = 1e300};
  for (const char* text : {"", "nan", "inf", "-inf", "infinity", "NaN", "1e999", "-1e999", "1e-999",
                           "0x1p3", "1,5", "1.5x", " 1", "1 ", "+1", "1e", "--1"}) {
    EXPECT_THAT(ParseNumber(text, wide), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ParseNumberTest, MessageTellsTheRange) {
  EXPECT_THAT(
      ParseNumber("0", {.min = 0, .max = 1, .min_excluded = true}),
      StatusIs(absl::StatusCode::kInvalidArgument, "expected a number above 0 to 1, found '0'"));
  EXPECT_THAT(ParseNumber("1", {.min = 0.5, .max = 1, .max_excluded = true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "expected a number from 0.5 to below 1, found '1'"));
}

TEST(NearestTest, KnowsInitialsBeginningsWordsAndTypingErrors) {
  const std::vector<std::string> names = {
      "learning-rate", "epochs", "eval-every",  "max-length", "max-steps",   "batch-size",
      "train",         "dev",    "text-column", "model",      "label-column"};
  EXPECT_THAT(Nearest("lr", names), Optional(std::string("learning-rate")));
  EXPECT_THAT(Nearest("rate", names), Optional(std::string("learning-rate")));
  EXPECT_THAT(Nearest("epoch", names), Optional(std::string("epochs")));
  EXPECT_THAT(Nearest("modle", names), Optional(std::string("model")));
  EXPECT_THAT(Nearest("max-len", names), Optional(std::string("max-length")));
  EXPECT_THAT(Nearest("learning_rate", names), Optional(std::string("learning-rate")));
  EXPECT_THAT(Nearest("batchsize", names), Optional(std::string("batch-size")));
  EXPECT_THAT(Nearest("bs", names), Optional(std::string("batch-size")));
  EXPECT_EQ(Nearest("xyzzy", names), std::nullopt);
  EXPECT_EQ(Nearest("q", names), std::nullopt);
  EXPECT_EQ(Nearest("", names), std::nullopt);
}

TEST(NearestTest, KnowsVerbs) {
  const std::vector<std::string> verbs = {"train classify", "eval", "classify", "inspect model"};
  EXPECT_THAT(Nearest("trian classify", verbs), Optional(std::string("train classify")));
  EXPECT_THAT(Nearest("evaluate", verbs), ::testing::Eq(std::nullopt));
  EXPECT_THAT(Nearest("clasify", verbs), Optional(std::string("classify")));
  EXPECT_THAT(Nearest("inspect", verbs), Optional(std::string("inspect model")));
}

TEST(OneLineTest, ControlCharactersAreSpelt) {
  EXPECT_EQ(OneLine("a\nb\tc\x07"
                    "d\xFF"),
            "a\\nb\\tc\\x07d\uFFFD");
}

}  // namespace
}  // namespace graft::tools
