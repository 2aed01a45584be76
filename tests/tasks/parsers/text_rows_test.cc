#include "tasks/text_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class TextRowsTest : public ::testing::Test {
 protected:
  using Rows = std::vector<std::pair<std::string, std::string>>;

  // The rows of a file of this content, and how reading ended.
  absl::Status Read(const std::string& name, const std::string& content,
                    const TextRowOptions& options = {}) {
    rows_.clear();
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    auto rows = TextRows::Open(path, options);
    if (!rows.ok()) return rows.status();
    TextRow row;
    while (true) {
      const auto more = rows->Next(row);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      rows_.emplace_back(row.id, row.text);
    }
  }

  testing::TemporaryFolder folder_;
  Rows rows_;
};

TEST_F(TextRowsTest, LinesAreTextsEmptyOnesToo) {
  EXPECT_TRUE(Read("a.txt", "one, two\n\nthree\ttabs\n").ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("1", "one, two"), Pair("2", ""), Pair("3", "three\ttabs")));
}

TEST_F(TextRowsTest, ColumnsGoByNameNumberOrHeader) {
  EXPECT_TRUE(Read("a.tsv", "id\ttext\nx\tone\ny\t\n").ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("2", "one"), Pair("3", "")));
  EXPECT_TRUE(Read("a.tsv", "id\ttext\nx\tone\n", {.id_column = "id"}).ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("x", "one")));
  EXPECT_TRUE(Read("a.csv", "one,1\n\"two\nlines\",2\nthree,3\n", {.text_column = "1"}).ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("1", "one"), Pair("2", "two\nlines"), Pair("4", "three")));
  EXPECT_TRUE(Read("a.tsv", "one\ntwo\n").ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("1", "one"), Pair("2", "two")));
}

TEST_F(TextRowsTest, JsonLinesHaveKeys) {
  EXPECT_TRUE(Read("a.jsonl", "{\"text\": \"one\", \"n\": 7}\n\n{\"text\": \"\", \"n\": \"x\"}\n",
                   {.id_column = "n"})
                  .ok());
  EXPECT_THAT(rows_, ElementsAre(Pair("7", "one"), Pair("x", "")));
}

TEST_F(TextRowsTest, MistakesNameFileLineAndColumn) {
  EXPECT_THAT(Read("a.tsv", "text\tb\nx\n").message(), HasSubstr("a.tsv:2: expected 2 fields"));
  EXPECT_THAT(Read("a.tsv", "text\tb\n", {.text_column = "c"}).message(),
              HasSubstr("a.tsv:1: expected a text column named 'c'"));
  EXPECT_THAT(Read("a.tsv", "a\tb\n", {.id_column = "3"}).message(),
              HasSubstr("a.tsv:1: expected an id column from 1 to 2"));
  EXPECT_THAT(Read("a.txt", "x\n", {.text_column = "c"}).message(), HasSubstr("lines of text"));
  EXPECT_THAT(Read("a.jsonl", "{\"text\": 1}\n").message(), HasSubstr("a.jsonl:1: text"));
  EXPECT_THAT(Read("a.jsonl", "{\"text\": \"\\u0000\"}\n").message(), HasSubstr("NUL"));
  EXPECT_THAT(Read("a.txt", "good\n\xff\n").message(), HasSubstr("a.txt:2"));
  EXPECT_THAT(rows_, ElementsAre(Pair("1", "good")));
}

}  // namespace
}  // namespace graft
