#include "base/json.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::TemporaryFolder;

absl::Status Refusal(std::string_view text) { return JsonDocument::Parse(text, "c.json").status(); }

JsonDocument Parsed(std::string_view text) {
  auto document = JsonDocument::Parse(text, "c.json");
  EXPECT_THAT(document, IsOk());
  return *std::move(document);
}

std::string Nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonTest, RefusesWhatIsNotOneValueAndNamesThePlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "c.json: "},
      {"   ", "c.json: "},
      {"{\"a\": 1,}", "c.json: byte 8: "},
      {"{\"a\" 1}", "c.json: byte 5: "},
      {"[1, 2", "c.json: byte 5: "},
      {"{} {}", "c.json: byte 3: "},
      {"[NaN]", "c.json: byte 1: "},
      {"[01]", "c.json: byte 2: "},
      {"[\"a\nb\"]", "c.json: byte 3: "},
      {"[\"\xFF\"]", "c.json: byte 2: expected UTF-8"},
      {"\xEF\xBB\xBF{}", "c.json: byte 0: expected JSON, found a byte-order mark"},
      {std::string("{}\0", 3), "c.json: byte 2: "},
      {std::string("[1,\0 2]", 7), "c.json: byte 3: "},
      {"[\"\\uD800\"]", "c.json: "},
  };
  for (const auto& [text, place] : cases) {
    EXPECT_THAT(Refusal(text), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(place))) << text;
  }
}

TEST(JsonTest, RefusesNestingDeeperThan64) {
  EXPECT_THAT(Refusal(Nested(64)), IsOk());
  EXPECT_THAT(Refusal(Nested(65)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("nested at most 64 levels")));
  EXPECT_THAT(Refusal(std::string(512'000, '[')),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("nested at most 64 levels")));
}

TEST(JsonTest, RefusesASecondKeyOfOneNameAtAnyDepth) {
  EXPECT_THAT(Refusal(R"({"a": 1, "a": 1})"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("c.json: a: expected one such key")));
  EXPECT_THAT(Refusal(R"({"a": [{"b": {"c": 1, "c": 2}}]})"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a.b.c: ")));
  EXPECT_THAT(Refusal(R"({"a": 1, "\u0061": 1})"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Refusal(R"({"a": {"b": 1}, "c": {"b": 1}})"), IsOk());
}

TEST(JsonTest, ReadsMembersAsTypes) {
  const JsonDocument document =
      Parsed(R"({"s": "x", "i": -3, "d": 1.5, "b": true, "n": null, "l": [1, 2]})");
  const JsonValue root = document.root();
  EXPECT_THAT(root.GetString("s"), IsOkAndHolds("x"));
  EXPECT_THAT(root.GetInt("i", -5, 5), IsOkAndHolds(-3));
  EXPECT_THAT(root.GetDouble("d", 0, 2, 7), IsOkAndHolds(1.5));
  EXPECT_THAT(root.GetDouble("i", -5, 2, 7), IsOkAndHolds(-3.0));
  EXPECT_THAT(root.GetBool("b", false), IsOkAndHolds(true));
  EXPECT_FALSE(root.Find("n"));
  EXPECT_FALSE(root.Find("absent"));
  const auto list = root.Find("l")->AsArray();
  ASSERT_THAT(list, IsOkAndHolds(SizeIs(2)));
  EXPECT_EQ((*list)[1].path(), "l.[1]");
  EXPECT_THAT(root.AsObject(), IsOkAndHolds(SizeIs(6)));
}

TEST(JsonTest, DefaultsStandForAbsentAndNullOnly) {
  const JsonDocument document = Parsed(R"({"n": null, "s": 3})");
  const JsonValue root = document.root();
  EXPECT_THAT(root.GetInt("n", 0, 9, 4), IsOkAndHolds(4));
  EXPECT_THAT(root.GetString("absent", "x"), IsOkAndHolds("x"));
  EXPECT_THAT(root.GetString("s", "x"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(JsonTest, SaysPathExpectedAndFound) {
  const JsonDocument document = Parsed(
      R"({"hidden_size": 768.5, "big": 18446744073709551615, "m": {"act": "gelu\n"}, "o": []})");
  const JsonValue root = document.root();
  EXPECT_THAT(root.GetInt("hidden_size", 1, 65536),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: hidden_size: expected an integer from 1 to 65536, found 768.5"));
  EXPECT_THAT(Parsed("[36.0, -0.0, 1e3, 1e300]").root().AsArray()->at(0).AsInt(1, 65536),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: [0]: expected an integer from 1 to 65536, found 36.0"));
  EXPECT_THAT(root.GetInt("big", 0, INT64_MAX),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("c.json: big: expected an integer from 0 to")));
  EXPECT_THAT(root.Get("m")->GetInt("act", 0, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: m.act: expected an integer from 0 to 1, found 'gelu\\x0A'"));
  EXPECT_THAT(root.GetString("none"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: expected the key 'none', found no such key"));
  EXPECT_THAT(root.Find("o")->AsObject(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: o: expected an object, found an array"));
}

TEST(JsonTest, IntegersBeyond64BitsAreDoubles) {
  const JsonDocument document = Parsed(
      R"({"limit": 1000000000000000019884624838656, "low": -9223372036854775809,
          "least": -9223372036854775808, "most": 9223372036854775807, "unsigned": 18446744073709551615,
          "text \"": "99999999999999999999, \"99999999999999999999", "d": 99999999999999999999.5e1,
          "list": [18446744073709551616]})");
  const JsonValue root = document.root();
  EXPECT_THAT(root.GetDouble("limit", 0, 1e300, 0), IsOkAndHolds(1e30));
  EXPECT_THAT(root.GetInt("limit", 0, INT64_MAX),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: limit: expected an integer from 0 to 9223372036854775807, found "
                       "1e+30"));
  EXPECT_THAT(root.GetDouble("low", -1e300, 0, 0), IsOkAndHolds(-9223372036854775808.0));
  EXPECT_THAT(root.GetInt("low", INT64_MIN, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(root.GetInt("least", INT64_MIN, 0), IsOkAndHolds(INT64_MIN));
  EXPECT_THAT(root.GetInt("most", 0, INT64_MAX), IsOkAndHolds(INT64_MAX));
  EXPECT_EQ(root.Find("unsigned")->Describe(), "18446744073709551615") << "still exact";
  EXPECT_THAT(root.GetString("text \""),
              IsOkAndHolds("99999999999999999999, \"99999999999999999999"));
  EXPECT_THAT(root.GetDouble("d", 0, 1e300, 0), IsOkAndHolds(999999999999999999995.0));
  EXPECT_THAT(Parsed("18446744073709551616").root().AsDouble(0, 1e300),
              IsOkAndHolds(18446744073709551616.0));
}

TEST(JsonTest, AMistakeBesideAHugeIntegerIsNamedAtItsPlace) {
  EXPECT_THAT(Refusal("[99999999999999999999, 1 2]"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("c.json: byte 25: ")));
  EXPECT_THAT(Refusal("[" + std::string(400, '9') + "]"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("c.json: ")));
}

TEST(JsonTest, HostileKeysDoNotReachAMessageRaw) {
  EXPECT_THAT(Refusal("{\"a\\nb\": 1, \"a\\nb\": 1}"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("c.json: 'a\\x0Ab': expected")));
  const std::string key(100'000, 'k');
  const absl::Status status = Refusal("{\"" + key + "\": 1, \"" + key + "\": 1}");
  EXPECT_LT(status.message().size(), 300u);
}

TEST(JsonTest, LoadsAFileAndBoundsItsSize) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("c.json", "{\"a\": 1}");
  EXPECT_THAT(JsonDocument::Load(path), IsOk());
  EXPECT_THAT(JsonDocument::Load(path, 7), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(JsonDocument::Load(folder / "none.json"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.json: cannot open")));
}

TEST(JsonTest, ValuesOutliveAMoveOfTheDocument) {
  JsonDocument document = Parsed(R"({"a": "x"})");
  const JsonValue value = *document.root().Find("a");
  const JsonDocument moved = std::move(document);
  EXPECT_THAT(value.AsString(), IsOkAndHolds("x"));
  EXPECT_THAT(moved.root().GetString("a"), IsOkAndHolds("x"));
}

TEST(JsonTest, TellsHowManyEntriesThereAre) {
  const JsonDocument document = Parsed(R"({"l": [1, [2, 3]], "o": {"a": 1}, "s": "x"})");
  EXPECT_EQ(document.root().size(), 3u);
  EXPECT_EQ(document.root().Find("l")->size(), 2u);
  EXPECT_EQ(document.root().Find("o")->size(), 1u);
  EXPECT_EQ(document.root().Find("s")->size(), 0u);
}

TEST(JsonTest, PathsAreThoseOfTheWholeWay) {
  const JsonDocument document = Parsed(R"({"a": [{"": 1, "b c": {"d": [true]}}]})");
  const JsonValue item = document.root().Find("a")->AsArray()->at(0);
  EXPECT_EQ(document.root().path(), "");
  EXPECT_EQ(item.path(), "a.[0]");
  EXPECT_EQ(item.Find("b c")->Find("d")->AsArray()->at(0).path(), "a.[0].b c.d.[0]");
  // Whoever asks for a key need not keep it.
  EXPECT_EQ(item.Find(std::string("b ") + "c")->path(), "a.[0].b c");
}

TEST(JsonTest, ListsMayBeBounded) {
  EXPECT_THAT(JsonDocument::Parse(R"({"a": [1, 2], "b": {"c": 1}})", "c.json", 2), IsOk());
  EXPECT_THAT(JsonDocument::Parse(R"({"a": [1, {"b": [1, 2, 3]}]})", "c.json", 2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "c.json: a.b: expected at most 2 entries, found 3"));
  EXPECT_THAT(
      JsonDocument::Parse(R"({"a": 1, "b": 1, "c": 1})", "c.json", 2).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, "c.json: expected at most 2 entries, found 3"));
}

}  // namespace
}  // namespace graft
