#include "tokenizers/models/model_reader.h"

#include <fstream>
#include <ostream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/models/models_support.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IdsOf;
using testing::IsOk;
using testing::StatusIs;
using Json = nlohmann::ordered_json;

// As the reader of tokenizer.json does it.
absl::StatusOr<std::unique_ptr<const TokenModel>> Read(const Json& model) {
  std::string text = Json{{"model", model}}.dump();
  auto object = FindVocabularyObject(text);
  std::optional<Vocabulary> vocabulary;
  if (object) {
    auto parsed = ParseVocabularyObject(text, "t.json", *object);
    if (!parsed.ok()) return parsed.status();
    vocabulary = *std::move(parsed);
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(object->begin) + 1,
              text.begin() + static_cast<std::ptrdiff_t>(object->end) - 1, ' ');
  }
  const auto document = JsonDocument::Parse(text, "t.json");
  const JsonValue value = *document->root().Get("model");
  if (model["type"] == "Unigram") return ReadUnigram(value);
  if (model["type"] == "WordLevel") return ReadWordLevel(value, *std::move(vocabulary));
  return ReadBpe(value, *std::move(vocabulary));
}

Json BpeJson() {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", ""},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}, {"<unk>", 3}}},
          {"merges", {"a b"}}};
}

Json UnigramJson() {
  return {{"type", "Unigram"},
          {"unk_id", 0},
          {"vocab", Json::parse(R"([["<unk>", 0], ["a", -1.5], ["ab", -2]])")},
          {"byte_fallback", false}};
}

Json WordLevelJson() {
  return {{"type", "WordLevel"}, {"vocab", {{"a", 1}, {"[UNK]", 0}}}, {"unk_token", "[UNK]"}};
}

Json With(Json model, const std::string& key, Json value) {
  model[key] = std::move(value);
  return model;
}

Json Without(Json model, const std::string& key) {
  model.erase(key);
  return model;
}

TEST(ModelReaderTest, ReadsBothFormsOfMerges) {
  for (const Json& merges : {Json::parse(R"(["a b"])"), Json::parse(R"(["#version: 0.2", "a b"])"),
                             Json::parse(R"([["a", "b"]])")}) {
    const auto model = Read(With(BpeJson(), "merges", merges));
    ASSERT_THAT(model, IsOk());
    EXPECT_THAT(IdsOf(**model, "aab"), ElementsAre(0, 2));
    EXPECT_EQ((*model)->vocabulary_size(), 4u);
  }
}

TEST(ModelReaderTest, ReadsTokensWithSpacesInPairs) {
  Json model = With(BpeJson(), "vocab", {{"a", 0}, {" ", 1}, {" a", 2}});
  model["merges"] = Json::parse(R"([[" ", "a"]])");
  EXPECT_THAT(IdsOf(**Read(model), "a a"), ElementsAre(0, 2));
}

TEST(ModelReaderTest, ReadsTheOptionsOfBpe) {
  EXPECT_THAT(IdsOf(**Read(With(BpeJson(), "unk_token", "<unk>")), "zz"), ElementsAre(3, 3));
  Json fused = With(BpeJson(), "unk_token", "<unk>");
  EXPECT_THAT(IdsOf(**Read(With(fused, "fuse_unk", true)), "zz"), ElementsAre(3));
  EXPECT_THAT(IdsOf(**Read(With(BpeJson(), "unk_token", "")), "zz"), ElementsAre());
  EXPECT_THAT(Read(With(BpeJson(), "dropout", 0.0)), IsOk());
  Json ignored = With(With(BpeJson(), "ignore_merges", true), "merges", Json::array());
  EXPECT_THAT(IdsOf(**Read(ignored), "ab"), ElementsAre(2));
}

TEST(ModelReaderTest, ReadsUnigramAndWordLevel) {
  EXPECT_THAT(IdsOf(**Read(UnigramJson()), "abz"), ElementsAre(2, 0));
  EXPECT_THAT(IdsOf(**Read(WordLevelJson()), "b"), ElementsAre(0));
}

// Pieces of XLNet. The two ways through "rr" and "r" have one score on paper: what the peer takes
// for the scores of its file decides (tokenizers 0.23.3, Tokenizer.from_file).
TEST(ModelReaderTest, ScoresAreWhatThePeerReads) {
  const Json pieces = Json::parse(R"([["<unk>", 0.0], ["\u2581", -2.1267833709716797],
                                      ["r", -7.8619232177734375], ["rr", -11.265965461730957]])");
  const auto model = Read(With(UnigramJson(), "vocab", pieces));
  EXPECT_THAT(IdsOf(**model, "\u2581rrr"), ElementsAre(1, 3, 2));
  EXPECT_THAT(IdsOf(**model, "\u2581rrrrr"), ElementsAre(1, 3, 2, 3));
}

struct BadCase {
  std::string name;
  Json model;
  std::string message;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

class BadModelTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadModelTest, IsRefusedWithItsPlace) {
  const auto model = Read(GetParam().model);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(std::string(model.status().message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Bpe, BadModelTest,
    ::testing::Values(
        BadCase{"Dropout", With(BpeJson(), "dropout", 0.1),
                "t.json: model.dropout: expected null or 0"},
        BadCase{"UnknownToken", With(BpeJson(), "unk_token", "?"),
                "t.json: model.unk_token: expected a token of the vocabulary, found '?'"},
        BadCase{"NoMerges", Without(BpeJson(), "merges"),
                "t.json: model: expected the key 'merges'"},
        BadCase{"MergesObject", With(BpeJson(), "merges", Json::object()),
                "t.json: model.merges: expected an array, found an object"},
        BadCase{"MergeNumber", With(BpeJson(), "merges", {"a b", 7}),
                "t.json: model.merges: [1]: expected a string or a pair of strings"},
        BadCase{"MergeTriple", With(BpeJson(), "merges", Json::parse(R"([["a", "b", "a"]])")),
                "t.json: model.merges: [0]: expected a string or a pair of strings"},
        BadCase{"MergeOneToken", With(BpeJson(), "merges", {"ab"}),
                "t.json: model.merges: [0]: expected two tokens and a space, found 'ab'"},
        BadCase{"MergeThreeTokens", With(BpeJson(), "merges", {"a b a"}),
                "[0]: expected two tokens and a space, found 'a b a'"},
        BadCase{"MergeOfAnAbsentToken", With(BpeJson(), "merges", {"a z"}),
                "[0]: expected two tokens of the vocabulary, found 'z'"},
        BadCase{"MergeLongerThanAnyToken", With(BpeJson(), "merges", {"ab ab"}),
                "[0]: expected tokens that make up a token of the vocabulary, found 'ab' and 'ab'"},
        BadCase{"MergeTwice", With(BpeJson(), "merges", {"a b", "a b"}),
                "[1]: expected a new merge, found 'a' and 'b' again"},
        BadCase{"MergeWithoutThePrefix", With(BpeJson(), "continuing_subword_prefix", "##"),
                "[0]: expected a second token that begins with '##', found 'b'"},
        BadCase{"IdGap", With(BpeJson(), "vocab", {{"a", 0}, {"b", 2}}),
                "expected every id from 0 to 2, the largest one, found no token with id 1"},
        BadCase{"IdTwice", With(BpeJson(), "vocab", {{"a", 0}, {"b", 0}}),
                "expected ids that differ, found id 0 again"},
        BadCase{"IdNegative", With(BpeJson(), "vocab", {{"a", -1}}),
                "expected an id from 0 to 4194303, found '-1'"},
        BadCase{"IdOf33Bits", With(BpeJson(), "vocab", {{"a", 4294967296}}),
                "expected an id from 0 to 4194303, found '4294967296'"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Unigram, BadModelTest,
    ::testing::Values(
        BadCase{"VocabObject", With(UnigramJson(), "vocab", {{"a", 0}}),
                "t.json: model.vocab: expected a list of pieces and their scores"},
        BadCase{"NoPieces", With(UnigramJson(), "vocab", Json::array()),
                "t.json: model.vocab: expected pieces, found an empty list"},
        BadCase{"PieceAlone", With(UnigramJson(), "vocab", Json::parse(R"([["a", 0], ["b"]])")),
                "t.json: model.vocab: [1]: expected a piece and its score"},
        BadCase{"ScoreText", With(UnigramJson(), "vocab", Json::parse(R"([["a", "0"]])")),
                "t.json: model.vocab: [0]: expected a piece and its score"},
        BadCase{"PieceTwice", With(UnigramJson(), "vocab", Json::parse(R"([["a", 0], ["a", 1]])")),
                "t.json: model.vocab[1]: expected a new piece, found 'a' of [0]"},
        BadCase{"NoUnknown", With(UnigramJson(), "unk_id", nullptr),
                "t.json: model: expected the key 'unk_id'"},
        BadCase{"UnknownPastTheEnd", With(UnigramJson(), "unk_id", 3),
                "t.json: model.unk_id: expected an integer from 0 to 2, found 3"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    WordLevel, BadModelTest,
    ::testing::Values(BadCase{"NoUnknown", With(WordLevelJson(), "unk_token", "?"),
                              "t.json: model.unk_token: expected a token of the vocabulary"},
                      BadCase{"UnknownNumber", With(WordLevelJson(), "unk_token", 0),
                              "t.json: model.unk_token: expected a string, found 0"}),
    [](const auto& param) { return param.param.name; });

class BpeFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  absl::StatusOr<std::unique_ptr<const Bpe>> Load(const std::string& merges,
                                                  const std::string& vocab = R"({"a": 0,
      "b": 1, "ab": 2}
)") {
    auto vocabulary = LoadVocabJson(Write("bpe_files_vocab.json", vocab));
    if (!vocabulary.ok()) return vocabulary.status();
    return LoadBpe(Write("bpe_files_merges.txt", merges), *std::move(vocabulary), {});
  }
};

TEST_F(BpeFilesTest, ReadsVersionLinesAndBothLineEnds) {
  for (const std::string merges : {"#version: 0.2\na b\n", "a b", "#version: 0.2\r\na b\r\n"}) {
    const auto model = Load(merges);
    ASSERT_THAT(model, IsOk());
    EXPECT_THAT(IdsOf(**model, "ab"), ElementsAre(2));
  }
}

TEST_F(BpeFilesTest, RefusesWithTheLine) {
  const auto refused = [&](const std::string& merges, const std::string& message) {
    EXPECT_THAT(Load(merges), StatusIs(absl::StatusCode::kDataLoss,
                                       HasSubstr("bpe_files_merges.txt:" + message)));
  };
  refused("#version: 0.2\na b\n\n", "3: expected two tokens and a space, found ''");
  refused("a b\na z\n", "2: expected two tokens of the vocabulary, found 'z'");
  refused("a b\na b\n", "2: expected a new merge, found 'a' and 'b' again");
  refused("b a\n", "1: expected tokens that make up a token of the vocabulary");
  refused("a b\n\xFF\n", " byte 4: expected UTF-8, found an ill-formed sequence");
}

TEST_F(BpeFilesTest, RefusesAVocabularyWithItsPlace) {
  const auto refused = [&](const std::string& vocab, const std::string& message) {
    EXPECT_THAT(Load("", vocab), StatusIs(absl::StatusCode::kDataLoss,
                                          HasSubstr("bpe_files_vocab.json: " + message)));
  };
  refused("", "byte 0: expected a JSON object, found the end of the file");
  refused("  [1]", "byte 2: expected a JSON object, found '['");
  refused(R"({"a": 0} x)", "byte 8: expected the end of the file, found more");
  refused(R"({"a": 0} })", "byte 8: expected the end of the file, found more");
  refused(R"({"a": 0, "b": 2})", "byte 16: expected every id from 0 to 2");
  refused(R"({"a": 0.5})", "byte 6: expected an id");
}

}  // namespace
}  // namespace graft
