#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tests/tokenizers/tokenizer_files.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::Json;
using testing::kVocabTxt;
using ::testing::Optional;
using testing::StatusIs;
using testing::TemporaryFolder;
using testing::TokenizerJson;

using Files = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(const Files& files) {
  const TemporaryFolder folder;
  for (const auto& [name, contents] : files) folder.Write(name, contents);
  return LoadTokenizer(folder.path());
}

std::vector<int32_t> Ids(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.Encode(text).ids;
}

TEST(LoadTokenizerTest, ReadsATokenizerJson) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("tokenizer.json", TokenizerJson().dump());
  const std::string config = folder.Write("tokenizer_config.json", R"({"model_max_length": 512})");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT(Ids(**tokenizer, "Hello, [MASK]ab"), ElementsAre(2, 9, 10, 4, 5, 8, 3));
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 17u);
  EXPECT_EQ((*tokenizer)->special_tokens_per_text(), 2u);
  EXPECT_EQ((*tokenizer)->model_max_length(), 512u);
  EXPECT_EQ((*tokenizer)->Describe(), "BERT WordPiece, 17 tokens, lower case");
  EXPECT_THAT((*tokenizer)->files(), ElementsAre(path, config));
  EXPECT_THAT((*tokenizer)->TokenToId("hello"), Optional(9));
  EXPECT_EQ((*tokenizer)->TokenToId("none"), std::nullopt);
  EXPECT_EQ((*tokenizer)->IdToToken(6), "##a");
  EXPECT_EQ((*tokenizer)->IdToToken(17), std::nullopt);
  EXPECT_EQ((*tokenizer)->IdToToken(-1), std::nullopt);
}

TEST(LoadTokenizerTest, TheMaskIsWhatTheConfigNamesElseTheOneWithTheUsualName) {
  const std::string json = TokenizerJson().dump();
  EXPECT_THAT((*Load({{"tokenizer.json", json}}))->mask_id(), Optional(4));
  for (const auto& [config, id] : std::vector<std::pair<std::string, std::optional<int32_t>>>{
           {R"({})", 4},
           {R"({"mask_token": null})", 4},
           {R"({"mask_token": "hello"})", 9},
           {R"({"mask_token": {"content": "hello", "lstrip": true}})", 9},
           {R"({"mask_token": "<none>"})", std::nullopt}}) {
    const auto tokenizer = Load({{"tokenizer.json", json}, {"tokenizer_config.json", config}});
    ASSERT_THAT(tokenizer, IsOk());
    EXPECT_EQ((*tokenizer)->mask_id(), id) << config;
  }
  EXPECT_THAT(Load({{"tokenizer.json", json}, {"tokenizer_config.json", R"({"mask_token": 4})"}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tokenizer_config.json: mask_token: expected a string, found 4")));
  Json without = TokenizerJson();
  std::erase_if(without["added_tokens"].get_ref<Json::array_t&>(),
                [](const Json& token) { return token["content"] == "[MASK]"; });
  EXPECT_EQ((*Load({{"tokenizer.json", without.dump()}}))->mask_id(), std::nullopt);
}

TEST(LoadTokenizerTest, TheCutOffEndIsWhatTheConfigNamesElseTokenizerJson) {
  Json json = TokenizerJson();
  const auto side = [&](const std::string& config) {
    const auto tokenizer =
        Load({{"tokenizer.json", json.dump()}, {"tokenizer_config.json", config}});
    EXPECT_THAT(tokenizer, IsOk());
    return (*tokenizer)->truncation_side();
  };
  EXPECT_EQ(side("{}"), TruncationSide::kRight);
  EXPECT_EQ(side(R"({"truncation_side": "left"})"), TruncationSide::kLeft);
  json["truncation"] = {{"max_length", 5}, {"direction", "Left"}};
  EXPECT_EQ(side("{}"), TruncationSide::kLeft);
  EXPECT_EQ(side(R"({"truncation_side": "right"})"), TruncationSide::kRight);
  EXPECT_THAT(
      Load({{"tokenizer.json", json.dump()},
            {"tokenizer_config.json", R"({"truncation_side": "top"})"}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(
                   "tokenizer_config.json: truncation_side: expected left or right, found 'top'")));
  json["truncation"]["direction"] = "left";
  EXPECT_THAT(Load({{"tokenizer.json", json.dump()}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("direction: expected Left or Right, found 'left'")));
}

TEST(LoadTokenizerTest, TypesAreGivenAsInputNamesSayElseTheClass) {
  for (const auto& [config, tokenizer_config, given] :
       std::vector<std::tuple<std::string, std::string, bool>>{
           {R"({"model_type": "bert"})", "{}", true},
           {R"({"model_type": "gpt2"})", "{}", false},
           {R"({"model_type": "gpt2"})", R"({"tokenizer_class": "BertTokenizerFast"})", true},
           {R"({"model_type": "gpt2", "tokenizer_class": "DebertaTokenizer"})", "{}", true},
           {R"({"model_type": "bert"})", R"({"tokenizer_class": "PreTrainedTokenizerFast"})",
            false},
           {R"({"model_type": "bert"})", R"({"model_input_names": ["input_ids"]})", false},
           {R"({"model_type": "gpt2"})",
            R"({"model_input_names": ["input_ids", "token_type_ids"]})", true}}) {
    const auto tokenizer = Load({{"tokenizer.json", TokenizerJson().dump()},
                                 {"config.json", config},
                                 {"tokenizer_config.json", tokenizer_config}});
    ASSERT_THAT(tokenizer, IsOk());
    EXPECT_EQ((*tokenizer)->gives_type_ids(), given) << config << tokenizer_config;
    EXPECT_EQ((*tokenizer)->EncodeBatch({"a"}, {}, 1).types_given, given);
  }
}

TEST(LoadTokenizerTest, FormattedJsonAndAnyOrderOfMembersRead) {
  const Json json = TokenizerJson();
  Json turned = Json::object();
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) turned[*key] = json[*key];
  const auto tokenizer = Load({{"tokenizer.json", turned.dump(2, ' ', /*ensure_ascii=*/true)}});
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT(Ids(**tokenizer, "中."), ElementsAre(2, 12, 13, 3));
}

TEST(LoadTokenizerTest, BertProcessingIsTheSameTemplate) {
  Json json = TokenizerJson();
  json["post_processor"] = {
      {"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}};
  const auto tokenizer = Load({{"tokenizer.json", json.dump()}});
  ASSERT_THAT(tokenizer, IsOk());
  const Encoding pair = (*tokenizer)->EncodePair("a", "b");
  EXPECT_THAT(pair.ids, ElementsAre(2, 5, 3, 7, 3));
  EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 0, 1, 1));
}

TEST(LoadTokenizerTest, AFileWithoutPostProcessorAndDecoderAddsAndJoinsNothing) {
  Json json = TokenizerJson();
  json["post_processor"] = nullptr;
  json["decoder"] = nullptr;
  const auto tokenizer = Load({{"tokenizer.json", json.dump()}});
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT(Ids(**tokenizer, "aa."), ElementsAre(5, 6, 13));
  EXPECT_EQ((*tokenizer)->special_tokens_per_text(), 0u);
  EXPECT_EQ((*tokenizer)->Decode({5, 6, 13}, true), "a ##a .");
}

struct Change {
  const char* name;
  std::function<void(Json&)> apply;
  absl::StatusCode code;
  const char* message;
};

class BadTokenizerJsonTest : public ::testing::TestWithParam<Change> {};

TEST_P(BadTokenizerJsonTest, IsRefusedWithItsPath) {
  Json json = TokenizerJson();
  GetParam().apply(json);
  EXPECT_THAT(Load({{"tokenizer.json", json.dump()}}),
              StatusIs(GetParam().code,
                       AllOf(HasSubstr("tokenizer.json: "), HasSubstr(GetParam().message))));
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTokenizerJsonTest,
    ::testing::Values(
        Change{"ModelType", [](Json& j) { j["model"]["type"] = "Gram"; }, kInvalid,
               "model.type: expected one of WordPiece"},
        Change{"NoModel", [](Json& j) { j.erase("model"); }, kInvalid, "expected the key 'model'"},
        Change{"VocabIsAList", [](Json& j) { j["model"]["vocab"] = Json::array({"a"}); }, kInvalid,
               "model.vocab: expected an object, found an array"},
        Change{"BpeVocabIsAList",
               [](Json& j) {
                 j["model"] = {{"type", "BPE"}, {"vocab", {"a", "b"}}, {"merges", {"a b"}}};
               },
               kInvalid, "model.vocab: expected an object, found an array"},
        Change{"MergeOfAnAbsentToken",
               [](Json& j) {
                 j["model"] = {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", {"a z"}}};
               },
               kInvalid, "model.merges: [0]: expected two tokens of the vocabulary, found 'z'"},
        Change{"DepthBomb",
               [](Json& j) {
                 Json deep = 1;
                 for (int i = 0; i < 100; ++i) deep = {{"normalizers", {deep}}};
                 j["normalizer"] = deep;
               },
               kDataLoss, "expected JSON nested at most 64 levels deep"},
        Change{"CharsmapOffsetPastTheEnd",
               [](Json& j) {
                 testing::CharsmapBuilder builder;
                 builder.Add({{"a", "A"}});
                 builder.units[256 + 'a'] = 1 << 20;
                 j["normalizer"] = {{"type", "Precompiled"},
                                    {"precompiled_charsmap", absl::Base64Escape(builder.Bytes())}};
               },
               kInvalid, "expected a trie that points into its 768 units"},
        Change{"IdGap", [](Json& j) { j["model"]["vocab"]["x"] = 40; }, kDataLoss,
               "model.vocab: byte"},
        Change{"IdTwice", [](Json& j) { j["model"]["vocab"]["x"] = 5; }, kDataLoss,
               "expected ids that differ, found id 5 again"},
        Change{"IdNegative", [](Json& j) { j["model"]["vocab"]["x"] = -1; }, kDataLoss,
               "found '-1'"},
        Change{"IdAbove32Bits", [](Json& j) { j["model"]["vocab"]["x"] = 4294967296; }, kDataLoss,
               "expected an id from 0"},
        Change{"UnknownTokenMissing", [](Json& j) { j["model"]["unk_token"] = "<unk>"; }, kInvalid,
               "model.unk_token: expected a token of model.vocab, found '<unk>'"},
        Change{"WordLength", [](Json& j) { j["model"]["max_input_chars_per_word"] = -1; }, kInvalid,
               "model.max_input_chars_per_word: expected an integer"},
        Change{"NormalizerType", [](Json& j) { j["normalizer"] = {{"type", "NFX"}}; }, kInvalid,
               "normalizer.type: expected one of Sequence, BertNormalizer, NFC, NFD, NFKC, NFKD, "
               "Lowercase, StripAccents, Strip, Prepend, Replace, Nmt, Precompiled, ByteLevel, "
               "found 'NFX'"},
        Change{"NormalizerInSequence",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Sequence"},
                                    {"normalizers", {{{"type", "NFC"}}, {{"type", "NFX"}}}}};
               },
               kInvalid, "normalizer.normalizers.[1].type: expected one of"},
        Change{"ManySteps",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Sequence"},
                                    {"normalizers", Json::array_t(65, {{"type", "NFC"}})}};
               },
               kInvalid, "normalizer.normalizers.[64]: expected at most 64 steps, found more"},
        Change{"CharsmapOfNoBase64",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "!?"}};
               },
               kInvalid, "normalizer.precompiled_charsmap: expected Base64, found '!?'"},
        Change{"CharsmapCutOff",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAQAAAAA"}};
               },
               kInvalid, "normalizer.precompiled_charsmap: expected a trie in blocks"},
        Change{"PatternTooLong",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Replace"},
                                    {"pattern", {{"Regex", std::string(1'000'000, 'a')}}},
                                    {"content", ""}};
               },
               kInvalid,
               "normalizer.pattern.Regex: expected a pattern of at most 4096 bytes, found 1000000"},
        Change{"PatternInvalid",
               [](Json& j) {
                 j["pre_tokenizer"] = {{"type", "Split"},
                                       {"pattern", {{"Regex", "(a"}}},
                                       {"behavior", "Isolated"},
                                       {"invert", false}};
               },
               kInvalid, "pre_tokenizer.pattern.Regex: expected a regular expression, found '(a'"},
        Change{"PatternOfNeitherKind",
               [](Json& j) {
                 j["normalizer"] = {
                     {"type", "Replace"}, {"pattern", {{"Text", "a"}}}, {"content", ""}};
               },
               kInvalid, "normalizer.pattern: expected either 'String' or 'Regex'"},
        Change{
            "SplitBehavior",
            [](Json& j) { j["pre_tokenizer"] = {{"type", "Punctuation"}, {"behavior", "Merged"}}; },
            kInvalid, "pre_tokenizer.behavior: expected one of Removed, Isolated"},
        Change{"DelimiterOfTwoCharacters",
               [](Json& j) {
                 j["pre_tokenizer"] = {{"type", "CharDelimiterSplit"}, {"delimiter", "ab"}};
               },
               kInvalid, "pre_tokenizer.delimiter: expected one character, found 'ab'"},
        Change{"PrependScheme",
               [](Json& j) {
                 j["pre_tokenizer"] = {
                     {"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "second"}};
               },
               kInvalid, "pre_tokenizer.prepend_scheme: expected 'always', 'first' or 'never'"},
        Change{"FixedLengthOfNothing",
               [](Json& j) { j["pre_tokenizer"] = {{"type", "FixedLength"}, {"length", 0}}; },
               kInvalid, "pre_tokenizer.length: expected an integer from 1"},
        Change{"NormalizerOption", [](Json& j) { j["normalizer"]["lowercase"] = 1; }, kInvalid,
               "normalizer.lowercase: expected true or false, found 1"},
        Change{"PreTokenizerType", [](Json& j) { j["pre_tokenizer"]["type"] = "White"; }, kInvalid,
               "pre_tokenizer.type: expected one of Sequence, BertPreTokenizer, ByteLevel"},
        Change{"PostProcessorType", [](Json& j) { j["post_processor"]["type"] = "Template"; },
               kInvalid,
               "post_processor.type: expected one of Sequence, BertProcessing, RobertaProcessing, "
               "TemplateProcessing, ByteLevel, found 'Template'"},
        Change{"TwoTemplates",
               [](Json& j) {
                 j["post_processor"] = {{"type", "Sequence"},
                                        {"processors", {j["post_processor"], j["post_processor"]}}};
               },
               kInvalid, "expected one processor that adds special tokens, found a second one"},
        Change{"TemplateTokenMissing",
               [](Json& j) { j["post_processor"]["special_tokens"].erase("[SEP]"); }, kInvalid,
               "expected a token of post_processor.special_tokens, found '[SEP]'"},
        Change{"TemplateIdMissing",
               [](Json& j) { j["post_processor"]["special_tokens"]["[SEP]"]["ids"] = {17}; },
               kInvalid, "expected an integer from 0 to 16, found 17"},
        Change{"TemplateWithoutText", [](Json& j) { j["post_processor"]["single"].erase(1); },
               kInvalid,
               "post_processor.single: expected sequence A once, found A 0 and B 0 times"},
        Change{"TemplateOfUnknownPiece",
               [](Json& j) { j["post_processor"]["single"][1] = {{"Text", "A"}}; }, kInvalid,
               "expected either 'Sequence' or 'SpecialToken'"},
        Change{"BertProcessingId",
               [](Json& j) {
                 j["post_processor"] = {
                     {"type", "BertProcessing"}, {"sep", {"[SEP]", 99}}, {"cls", {"[CLS]", 2}}};
               },
               kInvalid, "expected an integer from 0 to 16, found 99"},
        Change{"DecoderType", [](Json& j) { j["decoder"]["type"] = "Bytes"; }, kInvalid,
               "decoder.type: expected one of Sequence, WordPiece, ByteLevel, Metaspace"},
        Change{"TruncationLength", [](Json& j) { j["truncation"]["max_length"] = -1; }, kInvalid,
               "truncation.max_length: expected an integer"},
        Change{"AddedTokenEmpty", [](Json& j) { j["added_tokens"][0]["content"] = ""; }, kInvalid,
               "expected a token, found an empty content"},
        Change{"AddedTokenOtherId", [](Json& j) { j["added_tokens"][0]["id"] = 7; }, kInvalid,
               "added token '[PAD]': expected its id in the vocabulary, 0, found 7"},
        Change{"AddedTokenGap",
               [](Json& j) { j["added_tokens"].push_back({{"id", 18}, {"content", "<x>"}}); },
               kInvalid, "expected ids without gaps, found no token with id 17"},
        Change{"AddedTokenTakenId",
               [](Json& j) { j["added_tokens"].push_back({{"id", 5}, {"content", "<x>"}}); },
               kInvalid, "added token '<x>': expected a free id from 17 on"},
        Change{"AddedTokenTwice",
               [](Json& j) {
                 for (int id : {17, 18}) {
                   j["added_tokens"].push_back({{"id", id}, {"content", "<x>"}});
                 }
               },
               kInvalid, "added token '<x>': expected it once, found it twice"},
        Change{"AddedTokenTooLong",
               [](Json& j) { j["added_tokens"][0]["content"] = std::string(1025, 'x'); }, kInvalid,
               "added_tokens.[0].content: expected at most 1024 bytes, found 1025"},
        Change{"AddedTokenOfALongForm",
               [](Json& j) {
                 j["normalizer"] = {
                     {"type", "Replace"}, {"pattern", {{"String", "x"}}}, {"content", "yyy"}};
                 j["added_tokens"].push_back(
                     {{"id", 17}, {"content", std::string(1000, 'x')}, {"normalized", true}});
               },
               kInvalid, "expected at most 1024 bytes, found 3000"},
        Change{"AddedTokenThatAPatternGoesOnIn",
               [](Json& j) {
                 j["normalizer"] = {
                     {"type", "Replace"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"content", "x"}};
                 j["added_tokens"].push_back(
                     {{"id", 17}, {"content", std::string(40, 'a') + "!"}, {"normalized", true}});
               },
               kInvalid, "patterns of the normalizer that come to an end, found '(a+)+$' at its"},
        Change{"AddedTokenOfNothing",
               [](Json& j) {
                 j["added_tokens"].push_back(
                     {{"id", 17}, {"content", "\u200B"}, {"normalized", true}});
               },
               kInvalid, "expected a text that normalization leaves something of"},
        Change{"TemplateOfManyPieces",
               [](Json& j) {
                 Json& single = j["post_processor"]["single"];
                 while (single.size() < 65) single.push_back(single[0]);
               },
               kInvalid, "post_processor.single: expected at most 64 pieces, found 65"},
        Change{"TemplateTokenOfManyIds",
               [](Json& j) {
                 j["post_processor"]["special_tokens"]["[SEP]"]["ids"] = Json::array_t(65, 3);
               },
               kInvalid, "[SEP].ids: expected at most 64 ids, found 65"},
        Change{"LongReplacement",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Replace"},
                                    {"pattern", {{"String", "a"}}},
                                    {"content", std::string(1025, 'a')}};
               },
               kInvalid, "normalizer.content: expected at most 1024 bytes, found 1025"},
        Change{"LongPrefix",
               [](Json& j) {
                 j["normalizer"] = {{"type", "Prepend"}, {"prepend", std::string(1025, 'a')}};
               },
               kInvalid, "normalizer.prepend: expected at most 1024 bytes, found 1025"},
        Change{"LongReplacementOfADecoder",
               [](Json& j) {
                 j["decoder"] = {{"type", "Replace"},
                                 {"pattern", {{"String", "a"}}},
                                 {"content", std::string(1025, 'a')}};
               },
               kInvalid, "decoder.content: expected at most 1024 bytes, found 1025"},
        Change{"MillionAddedTokens",
               [](Json& j) {
                 for (int i = 0; i < 1'000'000; ++i) {
                   j["added_tokens"].push_back({{"id", 17 + i}, {"content", std::to_string(i)}});
                 }
               },
               kInvalid, "added_tokens: expected at most 100000 tokens, found 1000005"},
        Change{"MergeLongerThanAnyToken",
               [](Json& j) {
                 j["model"] = {
                     {"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}}}, {"merges", {"a b"}}};
               },
               kInvalid, "model.merges: [0]: expected tokens that make up a token"},
        Change{"ManyAddedTokens",
               [](Json& j) {
                 for (int i = 0; i < 100'000; ++i) {
                   j["added_tokens"].push_back({{"id", 17 + i}, {"content", std::to_string(i)}});
                 }
               },
               kInvalid, "added_tokens: expected at most 100000 tokens, found 100005"}),
    [](const auto& info) { return info.param.name; });

TEST(LoadTokenizerTest, APatternThatExplodesLoadsAndEncodingEnds) {
  Json json = TokenizerJson();
  json["pre_tokenizer"] = {{"type", "Split"},
                           {"pattern", {{"Regex", "(a+)+$"}}},
                           {"behavior", "Isolated"},
                           {"invert", false}};
  const auto tokenizer = Load({{"tokenizer.json", json.dump()}});
  ASSERT_THAT(tokenizer, IsOk());
  const std::string text = std::string(5000, 'a') + "c";
  EXPECT_THAT(Ids(**tokenizer, text), ElementsAre(2, 1, 3)) << "one long word";
}

TEST(LoadTokenizerTest, MalformedJsonAroundTheVocabularyIsRefused) {
  const std::string good = TokenizerJson().dump();
  EXPECT_THAT(Load({{"tokenizer.json", ""}}), StatusIs(kDataLoss, HasSubstr("tokenizer.json")));
  EXPECT_THAT(Load({{"tokenizer.json", good + "}"}}), StatusIs(kDataLoss));
  EXPECT_THAT(Load({{"tokenizer.json", std::string(512'000, '[')}}), StatusIs(kDataLoss));
  for (size_t length = 0; length < good.size(); length += 7) {
    EXPECT_FALSE(Load({{"tokenizer.json", good.substr(0, length)}}).ok()) << length;
  }
}

TEST(LoadTokenizerTest, AFolderWithoutTokenizerFilesIsNotFound) {
  EXPECT_THAT(LoadTokenizer("/no/folder"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/folder: no such folder")));
  EXPECT_THAT(Load({}), StatusIs(absl::StatusCode::kNotFound,
                                 HasSubstr("expected tokenizer.json, vocab.txt, spiece.model")));
}

TEST(LoadTokenizerTest, ReadsAVocabTxtAlone) {
  const auto tokenizer = Load({{"vocab.txt", kVocabTxt}});
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT(Ids(**tokenizer, "Hello, [MASK]ab É"), ElementsAre(2, 9, 10, 4, 5, 8, 1, 3));
  EXPECT_THAT((*tokenizer)->EncodePair("a", "b").type_ids, ElementsAre(0, 0, 0, 1, 1));
  EXPECT_EQ((*tokenizer)->model_max_length(), 0u);
  EXPECT_EQ((*tokenizer)->Decode({2, 14, 15, 16, 13, 3}, true), "don ' t.");
}

TEST(LoadTokenizerTest, TokenizerConfigChangesTheNormalizer) {
  const auto cased = Load({{"vocab.txt", kVocabTxt},
                           {"tokenizer_config.json",
                            R"({"do_lower_case": false, "tokenizer_class": "BertTokenizer",
                                "model_max_length": 1000000000000000019884624838656})"}});
  ASSERT_THAT(cased, IsOk());
  EXPECT_THAT(Ids(**cased, "Hello é"), ElementsAre(2, 1, 11, 3));
  EXPECT_EQ((*cased)->model_max_length(), 0u) << "10^30 means no limit";
  EXPECT_EQ((*cased)->Describe(), "BERT WordPiece, 17 tokens, cased");
  const auto accents = Load(
      {{"vocab.txt", kVocabTxt},
       {"tokenizer_config.json", R"({"strip_accents": false, "tokenize_chinese_chars": false})"}});
  ASSERT_THAT(accents, IsOk());
  EXPECT_THAT(Ids(**accents, "É 中a a中"), ElementsAre(2, 11, 12, 6, 1, 3));
  EXPECT_EQ((*accents)->Describe(),
            "BERT WordPiece, 17 tokens, lower case, accents kept, CJK not split");
}

TEST(LoadTokenizerTest, SpecialTokensComeFromTheFilesThenHabit) {
  const std::string vocab = "<u>\n<s>\n</s>\n[SEP]\na\n[MASK]\n";
  const auto tokenizer =
      Load({{"vocab.txt", vocab},
            {"tokenizer_config.json", R"({"unk_token": "<u>", "cls_token": {"content": "<s>",
              "lstrip": false, "rstrip": false, "single_word": false, "normalized": false}})"},
            {"special_tokens_map.json", R"({"sep_token": "</s>"})"}});
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT(Ids(**tokenizer, "a ? </s> [MASK]"), ElementsAre(1, 4, 0, 2, 5, 2));
}

TEST(LoadTokenizerTest, AddedTokensDecoderGivesIdsAndFlags) {
  const auto tokenizer = Load({{"vocab.txt", kVocabTxt},
                               {"tokenizer_config.json",
                                R"({"added_tokens_decoder": {
             "4": {"content": "[MASK]", "lstrip": true, "normalized": false, "special": true},
             "17": {"content": "<ent>", "normalized": false, "special": true}},
            "additional_special_tokens": ["<ent>"]})"}});
  ASSERT_THAT(tokenizer, IsOk());
  const Encoding encoding = (*tokenizer)->Encode("a  [MASK]<ent>");
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 4, 17, 3));
  EXPECT_EQ(encoding.offsets[2], (Span{1, 9})) << "with the spaces on its left";
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 18u);
  EXPECT_EQ((*tokenizer)->Decode(encoding.ids, true), "a");
}

TEST(LoadTokenizerTest, WhatAVocabFolderLacksIsNamed) {
  EXPECT_THAT(Load({{"vocab.txt", "[CLS]\n[SEP]\na\n"}}),
              StatusIs(kInvalid, HasSubstr("vocab.txt: expected the token '[UNK]' (unk_token)")));
  EXPECT_THAT(Load({{"vocab.txt", kVocabTxt},
                    {"tokenizer_config.json", R"({"tokenizer_class": "XLNetTokenizer"})"}}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("spiece.model: expected the vocabulary of XLNetTokenizer")));
  EXPECT_THAT(Load({{"vocab.txt", kVocabTxt},
                    {"tokenizer_config.json", R"({"do_basic_tokenize": false})"}}),
              StatusIs(kInvalid, HasSubstr("do_basic_tokenize: expected true, found false")));
}

TEST(LoadTokenizerTest, AVocabTxtThatIsNotAsLongAsTheModelSaysIsRefused) {
  EXPECT_THAT(Load({{"vocab.txt", kVocabTxt}, {"config.json", R"({"vocab_size": 17})"}}), IsOk());
  for (const char* config : {R"({"vocab_size": 16})", R"({"vocab_size": 18})"}) {
    EXPECT_THAT(
        Load({{"vocab.txt", kVocabTxt}, {"config.json", config}}),
        StatusIs(kInvalid, AllOf(HasSubstr("vocab.txt: expected 1"), HasSubstr("found 17"))));
  }
}

TEST(LoadTokenizerTest, ATokenizerJsonMayHaveFewerTokensThanAPaddedTableHasRows) {
  const std::string json = TokenizerJson().dump();
  const auto load = [&](int64_t rows) {
    return Load(
        {{"tokenizer.json", json}, {"config.json", absl::StrCat(R"({"vocab_size": )", rows, "}")}});
  };
  const auto tokens = static_cast<int64_t>((*load(24))->vocabulary_size());
  for (const int64_t rows : {tokens, int64_t{24}, int64_t{32}, int64_t{1024}}) {
    EXPECT_THAT(load(rows), IsOk()) << rows;
  }
  for (const int64_t rows : {tokens - 1, tokens + 1, int64_t{16}, int64_t{1048}, int64_t{30522}}) {
    EXPECT_THAT(load(rows),
                StatusIs(kInvalid, AllOf(HasSubstr(absl::StrCat("tokenizer.json: expected ", rows,
                                                                " tokens as vocab_size of ")),
                                         HasSubstr(absl::StrCat("found ", tokens)))));
  }
}

TEST(LoadTokenizerTest, AConfigThatContradictsTheTokenizerJsonIsRefused) {
  const std::string json = TokenizerJson().dump();
  EXPECT_THAT(
      Load({{"tokenizer.json", json}, {"tokenizer_config.json", R"({"do_lower_case": false})"}}),
      StatusIs(kInvalid, HasSubstr("tokenizer_config.json: do_lower_case: expected true")));
  EXPECT_THAT(
      Load({{"tokenizer.json", json},
            {"tokenizer_config.json", R"({"do_lower_case": true, "strip_accents": null})"}}),
      IsOk());
}

}  // namespace
}  // namespace graft
