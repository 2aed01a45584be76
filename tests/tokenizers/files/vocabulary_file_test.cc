#include "tokenizers/files/vocabulary_file.h"

#include <ostream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using testing::IsOk;
using ::testing::Optional;
using ::testing::StartsWith;
using testing::StatusIs;

struct BadCase {
  std::string name, text, message;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

std::string NameOf(const ::testing::TestParamInfo<BadCase>& info) { return info.param.name; }

class BadVocabTxtTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadVocabTxtTest, IsRefusedWithItsPlace) {
  EXPECT_THAT(ParseVocabTxt(GetParam().text, "vocab.txt"),
              StatusIs(absl::StatusCode::kDataLoss, StartsWith(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadVocabTxtTest,
    ::testing::Values(
        BadCase{"Empty", "", "vocab.txt:1: byte 0: expected tokens, one a line, found an empty"},
        BadCase{"Duplicate", "[UNK]\na\nb\na\n",
                "vocab.txt:4: byte 10: expected tokens that differ, found 'a' of line 2 again"},
        BadCase{"Nul", std::string("[UNK]\na\0b\n", 10),
                "vocab.txt:2: byte 6: expected text, found a NUL"},
        BadCase{"InvalidUtf8", "[UNK]\na\xFF\n",
                "vocab.txt:2: byte 7: expected UTF-8, found an ill-formed sequence"},
        BadCase{"ByteOrderMark", "\xEF\xBB\xBF[UNK]\n",
                "vocab.txt:1: byte 0: expected a token, found a byte-order mark"},
        BadCase{"LineFeedAmongCrLf", "[UNK]\r\na\nb\r\n",
                "vocab.txt:2: byte 7: expected one kind of line end"},
        BadCase{"CrLfAmongLineFeeds", "[UNK]\na\r\nb\n",
                "vocab.txt:2: byte 6: expected one kind of line end"},
        BadCase{"CarriageReturnInside", "[UNK]\na\rb\n",
                "vocab.txt:2: byte 6: expected one kind of line end"},
        BadCase{"BlankLine", "[UNK]\n\na\n",
                "vocab.txt:2: byte 6: expected a token, found a blank line"},
        BadCase{"BlankLastLine", "[UNK]\na\n\n",
                "vocab.txt:3: byte 8: expected a token, found a blank line"},
        BadCase{"TwoMegabyteLine", "[UNK]\n" + std::string(2'000'000, 'x') + "\na\n",
                "vocab.txt:2: byte 6: expected a token of at most 1024 bytes, found 2000000"},
        BadCase{"PrefixAlone", "[UNK]\n##\na\n",
                "vocab.txt:2: byte 6: expected characters behind '##', found none"},
        BadCase{"WhitespaceToken", "[UNK]\n \na\n",
                "vocab.txt:2: byte 6: expected a token without whitespace at its ends"},
        BadCase{"TokenEndsWithTab", "[UNK]\na\t\n",
                "vocab.txt:2: byte 6: expected a token without whitespace at its ends"}),
    NameOf);

TEST(VocabTxtTest, ReadsWhatPublishedFilesHold) {
  // Two lines of bert-base-chinese end with U+2028, which the peer leaves out; the last line may
  // lack its line feed.
  const auto vocabulary = ParseVocabTxt("[UNK]\n\u2028\n##\u2028\n\u3000a b", "v");
  ASSERT_THAT(vocabulary, IsOk());
  EXPECT_EQ(vocabulary->size(), 4u);
  EXPECT_THAT(vocabulary->Find(""), Optional(1));
  EXPECT_THAT(vocabulary->Find("##"), Optional(2));
  EXPECT_THAT(vocabulary->Find("\u3000a b"), Optional(3));
}

TEST(VocabTxtTest, ReadsCrLfThroughout) {
  for (const char* text : {"[UNK]\r\na\r\n", "[UNK]\r\na"}) {
    const auto vocabulary = ParseVocabTxt(text, "v");
    ASSERT_THAT(vocabulary, IsOk());
    EXPECT_EQ(vocabulary->size(), 2u);
    EXPECT_THAT(vocabulary->Find("a"), Optional(1));
  }
}

// The vocabulary of a tokenizer.json.
absl::StatusOr<Vocabulary> ParseObject(const std::string& vocab) {
  const std::string text = "{\"model\":{\"vocab\":" + vocab;
  auto object = FindVocabularyObject(text);
  if (!object) return absl::NotFoundError("no object");
  auto vocabulary = ParseVocabularyObject(text, "t.json", *object);
  if (vocabulary.ok()) EXPECT_EQ(object->end, text.size());
  return vocabulary;
}

class BadVocabularyObjectTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadVocabularyObjectTest, IsRefusedWithItsByte) {
  EXPECT_THAT(ParseObject(GetParam().text),
              StatusIs(absl::StatusCode::kDataLoss,
                       StartsWith("t.json: model.vocab: byte " + GetParam().message)));
}

// The object begins at byte 18.
INSTANTIATE_TEST_SUITE_P(
    Cases, BadVocabularyObjectTest,
    ::testing::Values(
        BadCase{"Empty", "{}", "20: expected tokens, found an empty object"},
        BadCase{"Gap", R"({"a":0,"b":2})",
                "31: expected every id from 0 to 2, the largest one, "
                "found no token with id 1"},
        BadCase{"DuplicateId", R"({"a":0,"b":0})", "29: expected ids that differ, found id 0"},
        BadCase{"DuplicateToken", R"({"a":0,"a":1})",
                "26: expected tokens that differ, found 'a' with the ids 0 and 1"},
        BadCase{"DuplicateByEscape", R"({"a":0,"\u0061":1})", "36: expected tokens that differ"},
        BadCase{"NegativeId", R"({"a":-1})", "23: expected an id from 0 to 4194303, found '-1'"},
        BadCase{"HugeId", R"({"a":4294967296})", "23: expected an id from 0 to 4194303, found"},
        BadCase{"FractionalId", R"({"a":0.5})", "23: expected an id from 0 to 4194303, found"},
        BadCase{"LeadingZero", R"({"a":00})", "23: expected an id from 0 to 4194303, found '00'"},
        BadCase{"StringId", R"({"a":"0"})", "23: expected an id from 0 to 4194303, found"},
        BadCase{"LongToken", "{\"" + std::string(1025, 'x') + "\":0}",
                "20: expected a token of at most 1024 bytes, found 1025"},
        BadCase{"TrailingComma", R"({"a":0,})", "25: expected a token in quotes, found '}'"},
        BadCase{"NoColon", R"({"a",0})", "22: expected ':', found ','"},
        BadCase{"NoComma", R"({"a":0 "b":1})", "25: expected ',' or '}', found '\"'"},
        BadCase{"ControlInToken", "{\"a\nb\":0}", "21: expected the end of a token, found"},
        BadCase{"BadEscape", R"({"\x":0})", "19: expected a JSON string, found an escape"},
        BadCase{"LoneSurrogate", R"({"\ud800":0})", "19: expected a JSON string, found an escape"},
        BadCase{"InvalidUtf8", "{\"a\xFF\":0}", "21: expected UTF-8, found an ill-formed"},
        BadCase{"Unfinished", R"({"a":0)", "23: expected an id from 0 to 4194303, found '0'"},
        BadCase{"UnfinishedToken", R"({"a)", "21: expected the end of a token, found the end"}),
    NameOf);

TEST(VocabularyObjectTest, ReadsAnEmptyToken) {
  // The tokenizer.json that the peer makes of bert-base-chinese has one.
  const auto vocabulary = ParseObject(R"({"a": 0, "": 1})");
  ASSERT_THAT(vocabulary, IsOk());
  EXPECT_THAT(vocabulary->Find(""), Optional(1));
}

TEST(VocabularyObjectTest, ReadsEscapesSpacesAndAnyOrder) {
  const auto vocabulary =
      ParseObject(" { \"b\\\"\" : 1 ,\n\"\\u4e2d\\ud83d\\ude00\":0,\"\\\\\":2}");
  ASSERT_THAT(vocabulary, IsOk());
  EXPECT_EQ(vocabulary->size(), 3u);
  EXPECT_THAT(vocabulary->Find("中😀"), Optional(0));
  EXPECT_THAT(vocabulary->Find("b\""), Optional(1));
  EXPECT_THAT(vocabulary->Find("\\"), Optional(2));
}

TEST(VocabularyObjectTest, IsFoundAmongOtherMembersOnly) {
  const std::string text =
      R"({"x":["{\"model\":{\"vocab\":{",{"vocab":{}}],"vocab":{},"model":{"a":"}","vocab":{"t":0}}})";
  const auto object = FindVocabularyObject(text);
  ASSERT_TRUE(object.has_value());
  EXPECT_EQ(text.substr(object->begin), R"({"t":0}}})");
  for (const char* none :
       {"", "{", "[]", R"({"vocab":{}})", R"({"model":{"vocab":[]}})", R"({"model":["vocab",{}]})",
        R"({"model":{"x":"})", R"({"model":)", R"({"a":]]]]{"model":{"vocab":)"}) {
    EXPECT_FALSE(FindVocabularyObject(none).has_value()) << none;
  }
}

TEST(VocabularyObjectTest, NoPrefixOfAFileCrashesTheReader) {
  const std::string text = R"({"a":[1,"\"]"],"model":{"vocab":{"a":0,"\"b":1,"中":2}}})";
  int parsed = 0;
  for (size_t length = 0; length <= text.size(); ++length) {
    const std::string prefix = text.substr(0, length);
    auto object = FindVocabularyObject(prefix);
    if (object && ParseVocabularyObject(prefix, "t", *object).ok()) ++parsed;
  }
  EXPECT_EQ(parsed, 3) << "whole, and without the last brackets";
}

}  // namespace
}  // namespace graft
