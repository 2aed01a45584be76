// Folders with a vocab.txt, by class of tokenizer. What is expected is what transformers 5.23 makes
// of the same files.
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

// 15 tokens: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, a 5, b 6, new 7, ##tok 8, c 9, < 10 ...
constexpr char kBertVocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nnew\n##tok\nc\n<\n>\ne\n##1\n1\n";
// 15 tokens: <s> 0, <pad> 1, </s> 2, [UNK] 3, a 4, b 5, new 6, ##tok 7, c 8, <mask> 9 ...
constexpr char kMpnetVocab[] =
    "<s>\n<pad>\n</s>\n[UNK]\na\nb\nnew\n##tok\nc\n<mask>\n<\n>\nm\ns\n##ask\n";

using Files = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(const Files& files) {
  const TemporaryFolder folder;
  for (const auto& [name, contents] : files) folder.Write(name, contents);
  return LoadTokenizer(folder.path());
}

struct Case {
  std::string name;
  Files files;  // a file named twice has its first contents
  std::string text;
  std::vector<int32_t> ids;
  size_t vocabulary_size;
};

void PrintTo(const Case& example, std::ostream* out) { *out << example.name; }

class VocabTxtFolderTest : public ::testing::TestWithParam<Case> {};

TEST_P(VocabTxtFolderTest, HasTheIdsOfThePeer) {
  const auto tokenizer = Load(GetParam().files);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ((*tokenizer)->Encode(GetParam().text).ids, GetParam().ids);
  EXPECT_EQ((*tokenizer)->vocabulary_size(), GetParam().vocabulary_size);
}

// Members of a tokenizer_config.json behind its class.
Files Bert(const std::string& members, const Files& more = {}) {
  Files files = {
      {"vocab.txt", kBertVocab},
      {"tokenizer_config.json", absl::StrCat(R"({"tokenizer_class": "BertTokenizer")",
                                             members.empty() ? "" : ", ", members, "}")}};
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

Files Mpnet(const Files& more = {}) {
  Files files = {{"vocab.txt", kMpnetVocab},
                 {"tokenizer_config.json", R"({"tokenizer_class": "MPNetTokenizer"})"}};
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

Files WithoutLine(Files files, const std::string& line) {
  std::string& vocab = files[0].second;
  vocab.erase(vocab.find(line + "\n"), line.size() + 1);
  return files;
}

Files Of(const std::string& tokenizer_class) {
  return {
      {"vocab.txt", kBertVocab},
      {"tokenizer_config.json", absl::StrCat(R"({"tokenizer_class": ")", tokenizer_class, R"("})")},
      {"added_tokens.json", R"({"newtok": 15})"}};
}

std::vector<Case> Cases() {
  const std::string text = "a newtok NewTok b";
  const std::pair<std::string, std::string> newtok{"added_tokens.json", R"({"newtok": 15})"};
  return {
      {"Alone", Bert(""), text, {2, 5, 7, 8, 7, 8, 6, 3}, 15},
      {"AddedTokens", Bert("", {newtok}), text, {2, 5, 15, 15, 6, 3}, 16},
      {"AddedTokensWithoutAClass",
       {{"vocab.txt", kBertVocab}, newtok},
       text,
       {2, 5, 15, 15, 6, 3},
       16},
      {"AddedTokensOfMpnet", Mpnet({newtok}), text, {0, 4, 15, 15, 5, 2}, 16},
      {"AddedTokensOfDistilBert", Of("DistilBertTokenizer"), text, {2, 5, 15, 15, 6, 3}, 16},
      {"AddedTokensOfElectra", Of("ElectraTokenizerFast"), text, {2, 5, 15, 15, 6, 3}, 16},
      {"AddedTokensOfMobileBert", Of("MobileBertTokenizer"), text, {2, 5, 15, 15, 6, 3}, 16},
      {"AddedTokensOfConvBert", Of("ConvBertTokenizer"), text, {2, 5, 15, 15, 6, 3}, 16},
      {"AddedTokensTakeTheNextIds",
       Bert("", {{"added_tokens.json", R"({"newtok": 40})"}}),
       text,
       {2, 5, 15, 15, 6, 3},
       16},
      {"AddedTokensAreNormalized",
       Bert("", {{"added_tokens.json", R"({"NewTok": 15})"}}),
       text,
       {2, 5, 15, 15, 6, 3},
       16},
      {"CasedAddedTokens",
       Bert(R"("do_lower_case": false)", {{"added_tokens.json", R"({"NewTok": 15})"}}),
       text,
       {2, 5, 7, 8, 15, 6, 3},
       16},
      {"ASpecialTokenAmongTheAddedIsNormalized",
       Bert("", {{"added_tokens.json", R"({"[MASK]": 4, "newtok": 15})"}}),
       text + " [mask]",
       {2, 5, 15, 15, 6, 4, 3},
       16},
      {"AdditionalTokensOfTheMap",
       Bert("",
            {{"special_tokens_map.json", R"({"additional_special_tokens": ["<e1>", "</e1>"]})"}}),
       "a <e1>b </e1> <E1>",
       {2, 5, 15, 6, 16, 10, 12, 13, 11, 3},
       17},
      {"AdditionalTokensOfTheConfig",
       Bert(R"("additional_special_tokens": ["<e1>", "</e1>"])"),
       "a <e1>b </e1> <E1>",
       {2, 5, 15, 6, 16, 10, 12, 13, 11, 3},
       17},
      {"AdditionalTokensMayHaveLines",
       Bert(R"("additional_special_tokens": ["[SEP]", "c", "A"])"),
       "a A c C[SEP]",
       {2, 5, 15, 9, 9, 3, 3},
       16},
      {"ExtraTokensByName",
       Bert(R"("extra_special_tokens": {"x_token": "<e1>"})"),
       "a <e1>b",
       {2, 5, 15, 6, 3},
       16},
      {"AddedTokensDecoder",
       Bert(R"("added_tokens_decoder": {"15": {"content": "<e1>"},
               "16": {"content": "<E2>", "special": true},
               "17": {"content": "<e3>", "normalized": false, "lstrip": true}})"),
       "a <E1>b <E2> <e2> <e3> <E3>",
       {2, 5, 15, 6, 16, 10, 1, 11, 17, 10, 1, 11, 3},
       18},
      {"IdsOfTheDecoderAreNotTaken",
       Bert(R"("added_tokens_decoder": {"40": {"content": "<ent>"}, "2": {"content": "b"}})"),
       "a b <ent>",
       {2, 5, 6, 15, 3},
       16},
      {"TheDecoderStandsForTheOtherFiles",
       Bert(R"("added_tokens_decoder": {"15": {"content": "<e1>"}})", {newtok}),
       "a newtok <e1>",
       {2, 5, 7, 8, 15, 3},
       16},
      {"MaskWithoutALine",
       Bert(R"("mask_token": "<mask>")"),
       "a <mask> [MASK]",
       {2, 5, 15, 1, 1, 1, 3},
       16},
      {"NoMask", Bert(R"("mask_token": null)"), "a [MASK] b", {2, 5, 1, 1, 1, 6, 3}, 15},
      {"SepWithoutALine", Bert(R"("sep_token": "<sep>")"), "a b", {2, 5, 6, 15}, 16},
      {"UsualSepWithoutALine", WithoutLine(Bert(""), "[SEP]"), "a b", {2, 4, 5, 14}, 15},
      {"BosIsNotPutBefore",
       Bert(R"("bos_token": "<bos>", "add_bos_token": true)"),
       "a b",
       {2, 5, 6, 3},
       16},
      {"TheMapCountsBeforeTheConfig",
       {{"vocab.txt", "<u>\n<s>\n</s>\n[SEP]\na\n[MASK]\n"},
        {"tokenizer_config.json", R"({"unk_token": "<u>", "cls_token": "<s>"})"},
        {"special_tokens_map.json", R"({"sep_token": "</s>", "cls_token": "a"})"}},
       "a ? </s> [MASK]",
       {4, 4, 0, 2, 5, 2},
       7},
      {"Mpnet",
       Mpnet(),
       "a <mask> <MASK> <S> </s>b",
       {0, 4, 9, 10, 12, 14, 11, 10, 13, 11, 2, 5, 2},
       15},
      {"MpnetWithoutTwoLines",
       WithoutLine(WithoutLine(Mpnet(), "<mask>"), "<pad>"),
       "a <mask> <MASK> <S> </s>b",
       {0, 3, 14, 8, 10, 12, 9, 8, 11, 9, 1, 4, 1},
       15},
      {"MpnetOverTheVocabularyOfBert",
       {{"vocab.txt", kBertVocab}, {"config.json", R"({"model_type": "mpnet"})"}},
       text,
       {15, 5, 7, 8, 7, 8, 6, 16},
       19},
  };
}

INSTANTIATE_TEST_SUITE_P(Cases, VocabTxtFolderTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(VocabTxtTokensTest, AddedTokensCountInBytesAndStayWhenDecoding) {
  const auto tokenizer = Load(Bert(R"("additional_special_tokens": ["<e1>"])",
                                   {{"added_tokens.json", R"({"newtok": 15})"}}));
  ASSERT_THAT(tokenizer, IsOk());
  const Encoding encoding = (*tokenizer)->Encode("a newtok NewTok<e1>b");
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 15, 15, 16, 6, 3));
  EXPECT_THAT(encoding.offsets, ElementsAre(Span{0, 0}, Span{0, 1}, Span{2, 8}, Span{9, 15},
                                            Span{15, 19}, Span{19, 20}, Span{0, 0}));
  EXPECT_EQ((*tokenizer)->Decode(encoding.ids, true), "a newtok newtok b");
  EXPECT_EQ((*tokenizer)->Describe(), "BERT WordPiece, 17 tokens, lower case");
}

TEST(VocabTxtTokensTest, TheMaskOfMpnetTakesTheSpaceUnlessTheFilesSay) {
  const std::string object = R"({"content": "<mask>", "lstrip": false, "normalized": true})";
  const auto usual = Load(Mpnet());
  const auto said =
      Load(Mpnet({{"special_tokens_map.json", absl::StrCat(R"({"mask_token": )", object, "}")}}));
  ASSERT_THAT(usual, IsOk());
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ((*usual)->Decode((*usual)->Encode("a <mask>").ids, true), "a");
  EXPECT_THAT((*usual)->Encode("a <MASK>").ids, ElementsAre(0, 4, 10, 12, 14, 11, 2));
  EXPECT_THAT((*said)->Encode("a <MASK>").ids, ElementsAre(0, 4, 9, 2));
}

TEST(VocabTxtTokensTest, EveryFileThatIsReadIsNamed) {
  const TemporaryFolder folder;
  const std::string vocab = folder.Write("vocab.txt", kBertVocab);
  const std::string config = folder.Write("config.json", R"({"vocab_size": 16})");
  const std::string tokenizer_config = folder.Write("tokenizer_config.json", "{}");
  const std::string map = folder.Write("special_tokens_map.json", "{}");
  const std::string added = folder.Write("added_tokens.json", R"({"newtok": 15})");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT((*tokenizer)->files(), ElementsAre(vocab, config, tokenizer_config, map, added));
}

TEST(VocabTxtTokensTest, TheClassSaysWhichVocabularyCounts) {
  const auto gpt2 = Load({{"vocab.txt", kBertVocab},
                          {"vocab.json", R"({"<|endoftext|>": 0, "a": 1})"},
                          {"merges.txt", ""},
                          {"tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})"}});
  ASSERT_THAT(gpt2, IsOk());
  EXPECT_THAT((*gpt2)->Encode("a").ids, ElementsAre(1));
  const auto bert = Load({{"vocab.txt", kBertVocab}, {"spiece.model", "no model"}});
  ASSERT_THAT(bert, IsOk());
  EXPECT_THAT((*bert)->Encode("a").ids, ElementsAre(2, 5, 3));
}

TEST(VocabTxtTokensTest, MpnetIsNamedByEitherConfig) {
  const std::string vocab = "<s>\n<pad>\n</s>\n[UNK]\n[CLS]\n[SEP]\nhello\n<mask>\n";
  for (const auto& [name, text] :
       {std::pair{"config.json", R"({"model_type": "mpnet"})"},
        std::pair{"tokenizer_config.json", R"({"tokenizer_class": "MPNetTokenizerFast"})"}}) {
    const auto tokenizer = Load({{"vocab.txt", vocab}, {name, text}});
    ASSERT_THAT(tokenizer, IsOk());
    const Encoding pair = (*tokenizer)->EncodePair("hello <mask>", "x");
    EXPECT_THAT(pair.ids, ElementsAre(0, 6, 7, 2, 2, 3, 2));
    EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 0, 0, 0, 0, 0));
    EXPECT_EQ(pair.offsets[2], (Span{6, 12})) << "the space that the mask takes is trimmed";
  }
}

// RobertaProcessing trims whitespace and U+0120 off tokens' texts; that of the unknown token has
// neither, whatever it stands for.
TEST(VocabTxtTokensTest, NothingIsTrimmedOffUnknownWords) {
  const auto tokenizer = Load(Mpnet());
  ASSERT_THAT(tokenizer, IsOk());
  const Encoding encoding = (*tokenizer)->Encode("\uFF2E\u0120 a <mask>");
  ASSERT_THAT(encoding.ids, ElementsAre(0, 3, 4, 9, 2));
  EXPECT_EQ(encoding.offsets[1], (Span{0, 5}));
  EXPECT_EQ(encoding.offsets[3], (Span{8, 14}));
}

// transformers gives such tokens ids behind the table, which its model then fails on.
TEST(VocabTxtTokensTest, TokensBehindTheTableAreNone) {
  Files files = WithoutLine(WithoutLine(Bert(""), "[MASK]"), "[PAD]");
  const auto alone = Load(files);
  ASSERT_THAT(alone, IsOk());
  EXPECT_THAT((*alone)->Encode("a [MASK]").ids, ElementsAre(1, 3, 14, 2));
  files.emplace_back("config.json", R"({"vocab_size": 13})");
  const auto beside_model = Load(files);
  ASSERT_THAT(beside_model, IsOk());
  EXPECT_EQ((*beside_model)->vocabulary_size(), 13);
  EXPECT_THAT((*beside_model)->Encode("a [MASK]").ids, ElementsAre(1, 3, 0, 0, 0, 2));
  Files without_cls = WithoutLine(Bert(""), "[CLS]");
  without_cls.emplace_back("config.json", R"({"vocab_size": 14})");
  EXPECT_THAT(Load(without_cls), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("vocab.txt: expected 14 tokens")));
}

TEST(VocabTxtTokensTest, WhatCannotBeReadIsNamed) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Load(WithoutLine(Bert(""), "[UNK]")),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected the token '[UNK]' (unk_token), "
                                           "found no such line")));
  EXPECT_THAT(Load(Bert(R"("unk_token": "<unk>")")),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected the token '<unk>' (unk_token)")));
  EXPECT_THAT(Load(Bert(R"("unk_token": null)")),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected a unk_token, found none")));
  EXPECT_THAT(Load(Bert(R"("cls_token": null)")),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected a cls_token, found none")));
  EXPECT_THAT(Load(Bert("", {{"added_tokens.json", R"({"x": -1})"}})),
              StatusIs(kInvalid, HasSubstr("added_tokens.json: x: expected")));
  EXPECT_THAT(Load(Bert("", {{"added_tokens.json", R"({"x": 15, "y": 15})"}})),
              StatusIs(kInvalid, HasSubstr("expected ids that differ, found 'x' and 'y'")));
  EXPECT_THAT(Load(Bert("", {{"added_tokens.json", R"(["x"])"}})),
              StatusIs(kInvalid, HasSubstr("added_tokens.json: ")));
  EXPECT_THAT(Load(Bert(R"("additional_special_tokens": [5])")),
              StatusIs(kInvalid, HasSubstr("additional_special_tokens.[0]: expected a string")));
  EXPECT_THAT(Load(Bert("", {{"added_tokens.json", R"({"newtok": 15})"},
                             {"config.json", R"({"vocab_size": 15})"}})),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected 15 tokens as vocab_size of ")));
  EXPECT_THAT(Load({{"spiece.model", ""},
                    {"tokenizer_config.json", R"({"tokenizer_class": "ElectraTokenizer"})"}}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("vocab.txt: expected the vocabulary of ElectraTokenizer")));
  const absl::Status basic = Load(Bert(R"("do_basic_tokenize": false)")).status();
  EXPECT_THAT(basic, StatusIs(kInvalid, HasSubstr("tokenizer_config.json: do_basic_tokenize: "
                                                  "expected true, found false")));
  EXPECT_FALSE(absl::StrContains(basic.message(), "vocab.txt")) << basic;
}

}  // namespace
}  // namespace graft
