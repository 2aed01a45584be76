#include "tasks/data_set.h"

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Field;
using ::testing::HasSubstr;
using testing::StatusIs;

auto Row(std::string text, int label, int line) {
  return AllOf(Field("text", &LabelledText::text, text),
               Field("label", &LabelledText::label, label),
               Field("line", &LabelledText::line, line));
}

class DataSetTest : public ::testing::Test {
 protected:
  // The message is PATH followed by `message`.
  void ExpectError(std::string_view name, std::string_view contents, absl::StatusCode code,
                   std::string_view message, const DataSetOptions& options = {}) {
    const std::string path = folder_.Write(name, contents);
    EXPECT_THAT(ReadTrainingSet(path, options), StatusIs(code, absl::StrCat(path, message)));
  }
  void ExpectInvalid(std::string_view name, std::string_view contents, std::string_view message,
                     const DataSetOptions& options = {}) {
    ExpectError(name, contents, absl::StatusCode::kInvalidArgument, message, options);
  }
  // The same, with a message of a lower layer of which only parts matter.
  void ExpectErrorLike(std::string_view name, std::string_view contents, absl::StatusCode code,
                       std::string_view place, std::string_view part) {
    const std::string path = folder_.Write(name, contents);
    EXPECT_THAT(ReadTrainingSet(path),
                StatusIs(code, AllOf(::testing::StartsWith(absl::StrCat(path, place)),
                                     HasSubstr(std::string(part)))));
  }
  DataSet Read(std::string_view name, std::string_view contents,
               const DataSetOptions& options = {}) {
    const auto data = ReadTrainingSet(folder_.Write(name, contents), options);
    EXPECT_THAT(data, testing::IsOk());
    return data.ok() ? *data : DataSet{};
  }

  testing::TemporaryFolder folder_;
};

TEST_F(DataSetTest, TsvTakesTheFirstTwoColumnsAndSortsLabelsBytewise) {
  const DataSet data = Read("a.tsv", "good\tpos\nbad\tneg\nodd\tNone\nfine\tpos\n");
  EXPECT_THAT(data.labels, ElementsAre("None", "neg", "pos"));
  EXPECT_THAT(data.rows, ElementsAre(Row("good", 2, 1), Row("bad", 1, 2), Row("odd", 0, 3),
                                     Row("fine", 2, 4)));
  EXPECT_EQ(data.path, folder_ / "a.tsv");
}

TEST_F(DataSetTest, TsvFieldsAreRaw) {
  const DataSet data = Read("a.tsv", "say \"no\t0\n\"a, b\"\\t\t1");
  EXPECT_THAT(data.rows, ElementsAre(Row("say \"no", 0, 1), Row("\"a, b\"\\t", 1, 2)));
}

TEST_F(DataSetTest, HeaderWithTextAndLabelIsRecognised) {
  const DataSet data = Read("a.tsv", "id\tlabel\ttext\n1\tx\tfirst\n2\ty\tsecond\n");
  EXPECT_THAT(data.rows, ElementsAre(Row("first", 0, 2), Row("second", 1, 3)));
}

TEST_F(DataSetTest, ByteOrderMarkCarriageReturnsAndEmptyLinesDoNotCount) {
  const DataSet data = Read("a.csv", "\xEF\xBB\xBFtext,label\r\n\r\none,a\r\n\r\ntwo,b\r\n\r\n");
  EXPECT_THAT(data.rows, ElementsAre(Row("one", 0, 3), Row("two", 1, 5)));
}

TEST_F(DataSetTest, ColumnsMayBeNamed) {
  const DataSet data = Read("a.csv", "label,review,text\n1,good,x\n2,bad,y\n",
                            {.text_column = "review", .label_column = "text"});
  EXPECT_THAT(data.labels, ElementsAre("x", "y"));
  EXPECT_THAT(data.rows, ElementsAre(Row("good", 0, 2), Row("bad", 1, 3)));
}

TEST_F(DataSetTest, ColumnsMayBeNumbered) {
  const DataSet numbers =
      Read("a.tsv", "x\tb\tgood\ny\ta\tbad\n", {.text_column = "3", .label_column = "2"});
  EXPECT_THAT(numbers.rows, ElementsAre(Row("good", 1, 1), Row("bad", 0, 2)));
  // A name beside a number, and a header that both defaults recognise: the first line is no row.
  const DataSet mixed = Read("a.tsv", "review\tstars\ngood\t5\nbad\t1\n",
                             {.text_column = "review", .label_column = "2"});
  EXPECT_THAT(mixed.rows, ElementsAre(Row("good", 1, 2), Row("bad", 0, 3)));
  const DataSet header =
      Read("a.tsv", "text\tlabel\ngood\t5\nbad\t1\n", {.text_column = "1", .label_column = "2"});
  EXPECT_EQ(header.rows.size(), 2);
}

TEST_F(DataSetTest, QuotedCsvFieldsHoldCommasQuotesAndLineEnds) {
  const DataSet data = Read("a.csv",
                            "text,label\n"
                            "\"a, \"\"b\"\"\",x\n"
                            "\"two\r\nlines\n\nmore\",\"y\"\n"
                            "plain,\"x\"");
  EXPECT_THAT(data.rows, ElementsAre(Row("a, \"b\"", 0, 2), Row("two\nlines\n\nmore", 1, 3),
                                     Row("plain", 0, 7)));
}

TEST_F(DataSetTest, JsonLinesTakeStringsIntegersAndTruthAsLabels) {
  const DataSet data = Read("a.jsonl",
                            "{\"text\": \"caf\\u00e9\", \"label\": \"pos\", \"id\": [1]}\n\n"
                            "{\"label\": -7, \"text\": \"b\"}\n"
                            "{\"label\": true, \"text\": \"c\"}\n");
  EXPECT_THAT(data.labels, ElementsAre("-7", "pos", "true"));
  EXPECT_THAT(data.rows, ElementsAre(Row("café", 1, 1), Row("b", 0, 3), Row("c", 2, 4)));
}

TEST_F(DataSetTest, JsonKeysAreNamesEvenWhenTheyLookLikeNumbers) {
  const DataSet data = Read("a.jsonl", "{\"1\": \"a\", \"y\": 0}\n{\"1\": \"b\", \"y\": 1}\n",
                            {.text_column = "1", .label_column = "y"});
  EXPECT_THAT(data.rows, ElementsAre(Row("a", 0, 1), Row("b", 1, 2)));
}

TEST_F(DataSetTest, FormatIsToldByNameElseByTheFirstLine) {
  EXPECT_EQ(Read("a.txt", "a, b\t1\nc\t2\n").rows[0].text, "a, b");
  EXPECT_EQ(Read("b.txt", "a b,1\nc,2\n").rows[0].text, "a b");
  EXPECT_EQ(
      Read("c", " {\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 2}\n").rows[0].text,
      "a");
  // The name wins over the contents, an option over the name.
  EXPECT_EQ(Read("d.csv", "a\tb,1\nc,2\n").rows[0].text, "a\tb");
  EXPECT_EQ(Read("e.csv", "a\tb\nc\td\n", {.format = DataFormat::kTsv}).labels[0], "b");
}

TEST_F(DataSetTest, GzipIsToldByContent) {
  for (const char* name : {"a.tsv.gz", "b.tsv"}) {
    const std::string path = folder_ / name;
    const gzFile file = gzopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    ASSERT_GT(gzputs(file, "text\tlabel\none\ta\ntwo\tb\n"), 0);
    ASSERT_EQ(gzclose(file), Z_OK);
    const auto data = ReadTrainingSet(path);
    ASSERT_THAT(data, testing::IsOk());
    EXPECT_THAT(data->rows, ElementsAre(Row("one", 0, 2), Row("two", 1, 3)));
  }
}

TEST_F(DataSetTest, GivenLabelsKeepTheirOrderAndAnUnseenOneIsRefused) {
  const std::vector<std::string> labels = {"pos", "neg"};
  const std::string good = folder_.Write("dev.tsv", "a\tneg\nb\tneg\n");
  const auto data = ReadDataSet(good, {}, labels);
  ASSERT_THAT(data, testing::IsOk());
  EXPECT_THAT(data->rows, ElementsAre(Row("a", 1, 1), Row("b", 1, 2)));
  EXPECT_EQ(data->labels, labels);
  const std::string bad = folder_.Write("bad.tsv", "a\tneg\nb\tPos\n");
  EXPECT_THAT(
      ReadDataSet(bad, {}, labels),
      StatusIs(absl::StatusCode::kInvalidArgument,
               absl::StrCat(bad, ":2: expected one of the labels 'pos', 'neg', found 'Pos'")));
}

TEST_F(DataSetTest, MissingFileIsNotFound) {
  EXPECT_THAT(ReadTrainingSet(folder_ / "none.tsv"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.tsv")));
}

TEST_F(DataSetTest, FilesWithoutRowsAreRefused) {
  ExpectInvalid("a.tsv", "", ": expected rows with text and label, found an empty file");
  ExpectInvalid("b.tsv", "\n\r\n\n", ": expected rows with text and label, found an empty file");
  ExpectInvalid("c.csv", "text,label\n", ": expected rows with text and label, found none");
  ExpectInvalid("d.jsonl", "   \n\n", ": expected rows with text and label, found none");
}

TEST_F(DataSetTest, MissingColumnsAreNamed) {
  ExpectInvalid("a.tsv", "text\tlabel\na\t1\n",
                ":1: expected a text column named 'review', found the columns 'text', 'label'",
                {.text_column = "review"});
  ExpectInvalid("b.tsv", "review\tstars\na\t1\n",
                ":1: expected a label column named 'label', found the columns 'review', 'stars'",
                {.text_column = "review"});
  ExpectInvalid("c.tsv", "a\tx\n",
                ":1: expected a label column from 1 to 2, the number of columns here, found 3",
                {.label_column = "3"});
  ExpectInvalid("d.tsv", "a\tx\n",
                ":1: expected a text column from 1 to 2, the number of columns here, found 0",
                {.text_column = "0"});
  ExpectInvalid("e.tsv", "only,one\n", ":1: expected a text and a label column, found 1 column");
  ExpectInvalid("f.tsv", "a\tx\n",
                ":1: expected two columns for text and label, found column 2 for both",
                {.text_column = "2"});
}

TEST_F(DataSetTest, HeaderWithOnlyOneOfTheNamesIsRefused) {
  ExpectInvalid("a.tsv", "sentence\tlabel\na\t1\nb\t0\n",
                ":1: expected a header with both 'text' and 'label' or no header, found "
                "'sentence', 'label'; say which columns hold text and label");
}

TEST_F(DataSetTest, ColumnNamesMustDiffer) {
  ExpectInvalid("a.csv", "text,label,text\na,1,b\n",
                ":1: expected columns of different names, found 'text' twice");
}

TEST_F(DataSetTest, RaggedRowsAreRefused) {
  ExpectInvalid("a.csv", "text,label\na,1\n\nb,1,\n",
                ":4: expected 2 fields as in the first line, found 3");
  ExpectInvalid("b.tsv", "a\t1\tx\nb\t1\n", ":2: expected 3 fields as in the first line, found 2");
}

TEST_F(DataSetTest, RowsWithoutLabelOrTextAreRefused) {
  ExpectInvalid("a.tsv", "a\t1\nb\t\n", ":2: expected a label, found none");
  ExpectInvalid("b.tsv", "a\t1\n\t2\n", ":2: expected a text, found none");
  ExpectInvalid("c.csv", "a,1\n\" \n\t\",2\n", ":2: expected a text, found none");
  ExpectInvalid("d.jsonl", "{\"text\": \"a\", \"label\": \"\"}\n",
                ":1: expected a label, found none");
  ExpectInvalid("e.jsonl", "{\"text\": \"\", \"label\": \"x\"}\n",
                ":1: expected a text, found none");
}

TEST_F(DataSetTest, OneLabelOnlyIsNoTrainingSet) {
  ExpectInvalid("a.tsv", "a\tpos\nb\tpos\n",
                ": expected at least two labels, found 'pos' on all 2 rows");
}

TEST_F(DataSetTest, MalformedUtf8IsRefusedOrReplaced) {
  const std::string contents = "fine\t1\nb\xE2\x82!\xFF\t0\n";
  ExpectErrorLike("a.tsv", contents, absl::StatusCode::kDataLoss, ":2: ", "UTF-8");
  const DataSet data = Read("b.tsv", contents, {.invalid_utf8 = InvalidUtf8::kReplace});
  EXPECT_EQ(data.rows[1].text, "b\uFFFD!\uFFFD");
  EXPECT_EQ(data.replaced_utf8, 2);
}

TEST_F(DataSetTest, NulAndUtf16AreRefused) {
  ExpectErrorLike("a.tsv", std::string("a\t1\nb\0c\t0\n", 10), absl::StatusCode::kDataLoss,
                  ":2: ", "NUL");
  ExpectErrorLike("b.tsv",
                  std::string("\xFF\xFE"
                              "a\0\t\0"
                              "1\0",
                              8),
                  absl::StatusCode::kDataLoss, ":1: ", "UTF-16");
  ExpectError("c.jsonl", "{\"text\": \"a\\u0000b\", \"label\": 1}\n", absl::StatusCode::kDataLoss,
              ":1: expected text and label without NUL, found \\u0000");
}

TEST_F(DataSetTest, OverlongRecordsAreRefused) {
  const std::string line(17 << 20, 'x');
  ExpectErrorLike("a.tsv", absl::StrCat("a\t1\n", line, "\t0\n"),
                  absl::StatusCode::kResourceExhausted, ":2: ", "16777216");
  // Short lines, but one record: what an open quote makes of a large file.
  std::string open = "a,1\n\"";
  while (open.size() < (17 << 20)) open += "some words of a line, and more of them\n";
  ExpectError("b.csv", open, absl::StatusCode::kResourceExhausted,
              ":2: expected a record of at most 16777216 bytes, found a longer one (is a double "
              "quote not closed?)");
}

TEST_F(DataSetTest, BadQuotesAreRefused) {
  ExpectError("a.csv", "a,1\nb,\"2\nc,3\n", absl::StatusCode::kDataLoss,
              ":2: expected a closing double quote for the field that opens here, found the end of "
              "the file");
  ExpectInvalid("b.csv", "a,1\nb \"x\",2\n",
                ":2: expected no double quote inside the unquoted field 1, found one");
  ExpectInvalid("c.csv", "a,1\n\"b\nb\"x,2\n",
                ":3: expected a comma or the line's end behind the closing quote of field 1, found "
                "other text");
}

TEST_F(DataSetTest, BadJsonIsRefusedWithItsLine) {
  const std::string good = "{\"text\": \"a\", \"label\": 1}\n";
  const auto expect = [&](std::string_view line, absl::StatusCode code, std::string_view part) {
    ExpectErrorLike("a.jsonl", absl::StrCat(good, line, "\n"), code, ":2: ", part);
  };
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto kDamaged = absl::StatusCode::kDataLoss;
  expect("{\"text\": \"a\", \"label\": 1,}", kDamaged, "expected JSON");
  expect("{\"text\": \"a\", \"label\": 1} {}", kDamaged, "expected JSON");
  expect("{\"text\": \"a", kDamaged, "expected JSON");
  expect("{\"text\": \"\\uD800\", \"label\": 1}", kDamaged, "expected JSON");
  expect("{\"text\": \"a\", \"label\": NaN}", kDamaged, "expected JSON");
  expect("{\"text\": \"a\", \"text\": \"b\", \"label\": 1}", kDamaged, "found a second");
  expect(absl::StrCat("{\"text\": ", std::string(70, '['), std::string(70, ']'), "}"), kDamaged,
         "64 levels");
  expect("[\"a\", 1]", kInvalid, "expected an object, found an array");
  expect("{\"label\": 1}", kInvalid, "expected the key 'text', found no such key");
  expect("{\"text\": \"a\"}", kInvalid, "expected the key 'label', found no such key");
  expect("{\"text\": \"a\", \"label\": null}", kInvalid, "expected the key 'label'");
  expect("{\"text\": 5, \"label\": 1}", kInvalid, "text: expected a string, found 5");
  expect("{\"text\": \"a\", \"label\": 0.5}", kInvalid,
         "label: expected a string, an integer, true or false, found 0.5");
}

TEST_F(DataSetTest, UnknownFormatIsRefused) {
  ExpectInvalid("a.txt", "just words\n",
                ":1: expected TSV, CSV or JSON lines, found neither tab, comma nor '{' in 'just "
                "words'");
}

TEST_F(DataSetTest, ManyColumnsAreRead) {
  std::string header = "text,label";
  std::string row = "a,x", other = "b,y";
  for (int i = 0; i < 100'000; ++i) {
    absl::StrAppend(&header, ",c", i);
    row += ",";
    other += ",";
  }
  const DataSet data = Read("a.csv", absl::StrCat(header, "\n", row, "\n", other, "\n"));
  EXPECT_THAT(data.rows, ElementsAre(Row("a", 0, 2), Row("b", 1, 3)));
}

std::string QuotedCsv(std::string_view field) {
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

TEST_F(DataSetTest, WhateverIsQuotedComesBack) {
  constexpr std::string_view kPieces[] = {"a", "\"",  ",", "\n",   "\t",
                                          " ", "\r.", "é", "\"\"", "\n\n"};
  std::mt19937 random(1);
  std::string file;
  std::vector<std::string> texts;
  for (int row = 0; row < 2000; ++row) {
    std::string text = "x";
    for (uint32_t n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    absl::StrAppend(&file, QuotedCsv(text), ",", row % 2, row % 3 == 0 ? "\r\n" : "\n");
    texts.push_back(std::move(text));
  }
  const DataSet data = Read("a.csv", file);
  ASSERT_EQ(data.rows.size(), texts.size());
  for (size_t row = 0; row < texts.size(); ++row) EXPECT_EQ(data.rows[row].text, texts[row]) << row;
}

TEST_F(DataSetTest, CutOrChangedFilesGiveRowsOrAnErrorThatNamesTheFile) {
  const std::pair<std::string, std::string> files[] = {
      {"a.csv", "text,label\n\"a, \"\"b\"\"\nc\",x\r\nplain,\"y\"\n"},
      {"a.tsv", "\xEF\xBB\xBFtext\tlabel\none\ta\ncafé\tb\n"},
      {"a.jsonl", "{\"text\": \"a\\u00e9\", \"label\": 1}\n{\"text\": \"b\", \"label\": true}\n"}};
  int refused = 0;
  const auto check = [&](const std::string& name, const std::string& contents) {
    const std::string path = folder_.Write(name, contents);
    const auto data = ReadTrainingSet(path);
    if (data.ok()) {
      EXPECT_FALSE(data->rows.empty());
      return;
    }
    ++refused;
    EXPECT_THAT(data.status().message(), ::testing::StartsWith(path + ":"));
  };
  for (const auto& [name, contents] : files) {
    for (size_t size = 0; size < contents.size(); ++size) {
      check(name, contents.substr(0, size));
      for (const char byte : {'\0', '"', '\n', ',', '\t', '\xFF'}) {
        std::string changed = contents;
        changed[size] = byte;
        check(name, changed);
      }
    }
  }
  EXPECT_GT(refused, 300);
}

// Real data, where it is at hand: the environment variable GRAFT_DATA, or ../shared/data.
TEST_F(DataSetTest, ReadsPublishedSets) {
  const char* variable = std::getenv("GRAFT_DATA");
  const std::string data =
      variable != nullptr ? variable : absl::StrCat(GRAFT_SOURCE_DIR, "/../shared/data");
  if (!std::filesystem::exists(data + "/sentiment")) GTEST_SKIP() << "no data at " << data;
  const auto train = ReadTrainingSet(data + "/sentiment/sst2/train.tsv");
  ASSERT_THAT(train, testing::IsOk());
  EXPECT_EQ(train->rows.size(), 6920);
  EXPECT_THAT(train->labels, ElementsAre("0", "1"));
  const auto imdb = ReadTrainingSet(data + "/sentiment/uci/imdb_labelled.txt");
  ASSERT_THAT(imdb, testing::IsOk());
  EXPECT_EQ(imdb->rows.size(), 1000);
}

}  // namespace
}  // namespace graft
