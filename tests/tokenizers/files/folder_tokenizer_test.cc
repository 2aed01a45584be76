// Folders without tokenizer.json, by class of tokenizer.
#include "tokenizers/files/folder_tokenizer.h"

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::SmallPieces;
using testing::StatusIs;
using testing::Trainer;

using Files = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(const Files& files) {
  const testing::TemporaryFolder folder;
  for (const auto& [name, contents] : files) folder.Write(name, contents);
  return LoadTokenizer(folder.path());
}

std::string ClassConfig(const std::string& name) {
  return absl::StrCat(R"({"tokenizer_class": ")", name, R"("})");
}

// A unigram model: <unk>, <s>, </s>, then U+2581hello, U+2581world and letters.
std::string Unigram() { return SmallPieces() + Trainer(testing::kUnigram); }

// Bytes of "he", and the tokens of all three families.
const char kVocabJson[] = R"({"<|endoftext|>": 0, "h": 1, "e": 2, "he": 3, "Ġ": 4, "Ġhe": 5,
    "<s>": 6, "<pad>": 7, "</s>": 8, "<unk>": 9, "<mask>": 10,
    "[CLS]": 11, "[SEP]": 12, "[UNK]": 13, "[PAD]": 14, "[MASK]": 15})";
const char kMerges[] = "#version: 0.2\nh e\nĠ he\n";

// What a family makes of a text that it knows the words of.
struct FamilyCase {
  std::string tokenizer_class, file, text;
  std::vector<std::string> tokens;
};

void PrintTo(const FamilyCase& family, std::ostream* out) { *out << family.tokenizer_class; }

class FolderFamilyTest : public ::testing::TestWithParam<FamilyCase> {};

TEST_P(FolderFamilyTest, PutsItsSpecialTokensAroundTheText) {
  const FamilyCase& family = GetParam();
  const bool bpe = family.file == "vocab.json";
  Files files = {{family.file, bpe ? kVocabJson : Unigram()},
                 {"tokenizer_config.json", ClassConfig(family.tokenizer_class + "Fast")}};
  if (bpe) files.emplace_back("merges.txt", kMerges);
  const auto tokenizer = Load(files);
  ASSERT_THAT(tokenizer, IsOk());
  std::vector<std::string> tokens;
  for (const int32_t id : (*tokenizer)->Encode(family.text).ids) {
    tokens.emplace_back((*tokenizer)->IdToToken(id).value_or(""));
  }
  EXPECT_EQ(tokens, family.tokens);
  EXPECT_THAT((*tokenizer)->files()[0], ::testing::EndsWith(family.file));
}

INSTANTIATE_TEST_SUITE_P(
    Families, FolderFamilyTest,
    ::testing::Values(
        FamilyCase{"AlbertTokenizer",
                   "spiece.model",
                   "HELLO  world",
                   {"[CLS]", "\u2581hello", "\u2581world", "[SEP]"}},
        FamilyCase{"XLNetTokenizer",
                   "spiece.model",
                   "hello world",
                   {"\u2581hello", "\u2581world", "<sep>", "<cls>"}},
        FamilyCase{"T5Tokenizer",
                   "spiece.model",
                   "hello<extra_id_0> world",
                   {"\u2581hello", "<extra_id_0>", "\u2581world", "</s>"}},
        FamilyCase{"XLMRobertaTokenizer",
                   "sentencepiece.bpe.model",
                   "hello world",
                   {"<s>", "\u2581hello", "\u2581world", "</s>"}},
        FamilyCase{"CamembertTokenizer",
                   "sentencepiece.bpe.model",
                   "hello <mask>",
                   {"<s>", "\u2581hello", "<mask>", "</s>"}},
        FamilyCase{"DebertaV2Tokenizer",
                   "spm.model",
                   "hello world",
                   {"[CLS]", "\u2581hello", "\u2581world", "[SEP]"}},
        FamilyCase{"GPT2Tokenizer", "vocab.json", "he he", {"he", "Ġhe"}},
        FamilyCase{"RobertaTokenizer", "vocab.json", "he he", {"<s>", "he", "Ġhe", "</s>"}},
        FamilyCase{"DebertaTokenizer", "vocab.json", "he he", {"[CLS]", "he", "Ġhe", "[SEP]"}}),
    [](const auto& info) { return info.param.tokenizer_class; });

TEST(FolderTokenizerTest, FairseqNumbersItsOwnTokensFirst) {
  const auto xlmr = Load({{"sentencepiece.bpe.model", Unigram()},
                          {"config.json", R"({"model_type": "xlm-roberta"})"}});
  ASSERT_THAT(xlmr, IsOk());
  EXPECT_THAT((*xlmr)->Encode("hello world").ids, ::testing::ElementsAre(0, 4, 5, 2));
  EXPECT_EQ((*xlmr)->TokenToId("<pad>"), 1);
  EXPECT_EQ((*xlmr)->TokenToId("<mask>"), 17);
  const auto camembert = Load({{"sentencepiece.bpe.model", Unigram()},
                               {"tokenizer_config.json", ClassConfig("CamembertTokenizer")}});
  ASSERT_THAT(camembert, IsOk());
  EXPECT_THAT((*camembert)->Encode("hello world").ids, ::testing::ElementsAre(5, 7, 8, 6));
}

struct BadFolder {
  std::string name;
  Files files;
  absl::StatusCode code;
  std::string message;
};

void PrintTo(const BadFolder& bad, std::ostream* out) { *out << bad.name; }

class BadFolderTest : public ::testing::TestWithParam<BadFolder> {};

TEST_P(BadFolderTest, IsRefusedWithItsPlace) {
  EXPECT_THAT(Load(GetParam().files), StatusIs(GetParam().code, HasSubstr(GetParam().message)));
}

std::vector<BadFolder> BadFolders() {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  const auto config = [](const std::string& name) {
    return std::pair<std::string, std::string>("tokenizer_config.json", ClassConfig(name));
  };
  const std::string again = Unigram() + testing::PieceField("<pad>", 0, testing::kNormal);
  return {
      {"NoClass",
       {{"vocab.json", kVocabJson}, {"merges.txt", kMerges}},
       kInvalid,
       ": expected tokenizer_class in tokenizer_config.json or a known model_type in config.json"},
      {"ClassWithoutReader",
       {{"spiece.model", Unigram()}, config("LlamaTokenizer")},
       kInvalid,
       "found none for 'LlamaTokenizer'"},
      {"ClassIsANumber",
       {{"spiece.model", Unigram()}, {"tokenizer_config.json", R"({"tokenizer_class": 5})"}},
       kInvalid,
       "tokenizer_config.json: tokenizer_class: expected a string, found 5"},
      {"NoModel",
       {{"vocab.json", kVocabJson}, config("T5Tokenizer")},
       absl::StatusCode::kNotFound,
       "spiece.model: expected the vocabulary of T5Tokenizer, found no such file"},
      {"NoMerges",
       {{"vocab.json", kVocabJson}, config("GPT2Tokenizer")},
       absl::StatusCode::kNotFound,
       "merges.txt: expected the vocabulary of GPT2Tokenizer, found no such file"},
      {"ModelCutOff",
       {{"spiece.model", Unigram().substr(0, 40)}, config("T5Tokenizer")},
       kDataLoss,
       "spiece.model: byte "},
      {"ModelOfBpe",
       {{"spiece.model", SmallPieces() + Trainer(testing::kBpe)}, config("T5Tokenizer")},
       kInvalid,
       "spiece.model: expected a unigram model for T5, found model_type 2"},
      {"TokenOfTheFamilyAgain",
       {{"sentencepiece.bpe.model", again}, config("XLMRobertaTokenizer")},
       kInvalid,
       "expected pieces that differ, found '<pad>' with the ids 1 and 17 behind the special"},
      {"VocabCutOff",
       {{"vocab.json", R"({"a": 0, )"}, {"merges.txt", ""}, config("GPT2Tokenizer")},
       kDataLoss,
       "vocab.json: byte "},
      {"VocabIsAList",
       {{"vocab.json", R"(["a"])"}, {"merges.txt", ""}, config("GPT2Tokenizer")},
       kDataLoss,
       "vocab.json: byte 0: expected a JSON object"},
      {"MergeOfAnAbsentToken",
       {{"vocab.json", kVocabJson}, {"merges.txt", "h e\nh z\n"}, config("GPT2Tokenizer")},
       kDataLoss,
       "merges.txt:2: expected two tokens of the vocabulary, found 'z'"},
      {"ConfigNestedTooDeep",
       {{"spiece.model", Unigram()}, {"tokenizer_config.json", std::string(512'000, '[')}},
       kDataLoss,
       "tokenizer_config.json"},
      {"AddPrefixSpaceIsAText",
       {{"vocab.json", kVocabJson},
        {"merges.txt", kMerges},
        {"tokenizer_config.json",
         R"({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": "yes"})"}},
       kInvalid,
       "add_prefix_space: expected true or false"},
  };
}

INSTANTIATE_TEST_SUITE_P(Cases, BadFolderTest, ::testing::ValuesIn(BadFolders()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace graft
