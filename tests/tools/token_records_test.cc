#include "tools/token_records.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/tokenizer.h"

namespace graft::tools {
namespace {

std::unique_ptr<const Tokenizer> Golden(const std::string& name) {
  auto tokenizer = LoadTokenizer(GRAFT_SOURCE_DIR "/tests/golden/tokenizers/" + name);
  EXPECT_THAT(tokenizer, graft::testing::IsOk());
  return *std::move(tokenizer);
}

TEST(TokenRecordsTest, IdsStandBetweenSpaces) {
  std::string out = "before\n";
  AppendIdsLine({}, out);
  AppendIdsLine({7}, out);
  AppendIdsLine({0, 2147483647, 12}, out);
  EXPECT_EQ(out, "before\n\n7\n0 2147483647 12\n");
}

TEST(TokenRecordsTest, APieceWithALineEndStaysOnItsLine) {
  const graft::testing::TemporaryFolder folder;
  folder.Write("vocab.txt", "[UNK]\n[SEP]\n[PAD]\n[CLS]\n[MASK]\na\n");
  folder.Write("tokenizer_config.json",
               R"({"added_tokens_decoder": {"6": {"content": "x\ny\t"}}})");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, graft::testing::IsOk());
  std::string out;
  AppendPiecesLine(**tokenizer, {5, 6}, out);
  EXPECT_EQ(out, "a x\\ny\\t\n");
}

TEST(TokenRecordsTest, JsonHasOneEntryPerToken) {
  const auto tokenizer = Golden("uncased");
  std::string out;
  AppendJsonLine(*tokenizer, tokenizer->Encode("\"hello"), {}, out);
  EXPECT_EQ(out, R"({"ids":[2,1,56,3],"tokens":["[CLS]","[UNK]","hello","[SEP]"],)"
                 R"("offsets":[[0,0],[0,1],[1,6],[0,0]],"word_ids":[null,0,1,null],)"
                 R"("type_ids":[0,0,0,0],"special_tokens_mask":[1,0,0,1],"cut_off":0})"
                 "\n");
}

TEST(TokenRecordsTest, TokensAreEscapedInJson) {
  const graft::testing::TemporaryFolder folder;
  folder.Write("vocab.txt", "[UNK]\n[SEP]\n[PAD]\n[CLS]\n[MASK]\na\"\\\n\u00e9\n");
  folder.Write("tokenizer_config.json", R"({"added_tokens_decoder": {"7": {"content": "\n"}}})");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, graft::testing::IsOk());
  Encoding encoding;
  encoding.ids = {5, 6, 7};
  encoding.word_ids = encoding.type_ids = {0, 0, 0};
  encoding.offsets.resize(3);
  encoding.special_tokens_mask.resize(3);
  std::string out;
  AppendJsonLine(**tokenizer, encoding, {}, out);
  EXPECT_NE(out.find("\"tokens\":[\"a\\\"\\\\\",\"\u00e9\",\"\\n\"]"), std::string::npos) << out;
}

TEST(TokenRecordsTest, JsonOfNoTokens) {
  std::string out;
  AppendJsonLine(*Golden("uncased"), {}, {.window = 3}, out);
  EXPECT_EQ(out, R"({"ids":[],"tokens":[],"offsets":[],"word_ids":[],"type_ids":[],)"
                 R"("special_tokens_mask":[],"cut_off":0,"window":3})"
                 "\n");
}

TEST(TokenRecordsTest, SequenceIdsGoByTheTextAndNotByTheType) {
  const auto tokenizer = Golden("raw");  // no special tokens: nothing stands between the texts
  const Encoding encoding = tokenizer->EncodePair("a b", "a");
  std::string out;
  AppendJsonLine(*tokenizer, encoding, {.pair = true}, out);
  EXPECT_NE(out.find(R"("sequence_ids":[0,0,1])"), std::string::npos) << out;
}

}  // namespace
}  // namespace graft::tools
