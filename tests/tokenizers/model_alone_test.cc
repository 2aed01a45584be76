// Folders with a SentencePiece model and nothing else, against the library itself.
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sentencepiece.pb.h"
#include "sentencepiece_processor.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/random_texts.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tokenizers/lanes/sentencepiece_rules.h"
#include "tokenizers/models/sentencepiece_tokens.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using ::testing::AllOf;
using testing::BytesField;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::Normalizer;
using testing::PieceField;
using testing::StatusIs;
using testing::TemporaryFolder;
using testing::Trainer;
using testing::VarintField;

constexpr const char* kMark = "\u2581";

// Pieces of what RandomTexts holds; scores of several pieces tie.
std::string Pieces() {
  std::string fields = PieceField("<unk>", 0, testing::kUnknown) +
                       PieceField("<s>", 0, testing::kControl) +
                       PieceField("</s>", 0, testing::kControl);
  float score = -2;
  for (const std::string word : {"hello", "un", "able", "aff", "don", "'t", "é", ",", "中"}) {
    fields += PieceField(kMark + word, score -= 0.25F, testing::kNormal);
    fields += PieceField(word, score, testing::kNormal);
  }
  fields += PieceField(kMark, -3, testing::kNormal);
  for (char c = 'a'; c <= 'y'; ++c) {
    fields += PieceField(std::string(1, c), -6 - static_cast<float>(c % 4), testing::kNormal);
  }
  for (const char* word : {"ll", "he", "abl", "qu", "nd", "xy"}) {
    fields += PieceField(word, -9, testing::kNormal);
  }
  return fields;
}

std::string Rules() {
  testing::CharsmapBuilder charsmap;
  charsmap.Add({{"H", "h"},
                {"\t", " "},
                {"<", ""},
                {"e\u0301", "é"},
                {"\u3000", " "},
                {"x", "abl"},
                {"qz", "z"},
                {"\uFB01", "he"},
                {"\u00B4", " \u0301"}});
  return charsmap.Bytes();
}

struct Case {
  const char* name;
  std::string model;
  // graft's own Unigram covers it.
  bool own = false;
};

void PrintTo(const Case& model, std::ostream* out) { *out << model.name; }

std::vector<Case> Cases() {
  const std::string unigram = Trainer(testing::kUnigram), bpe = Trainer(testing::kBpe);
  const std::string pieces = Pieces(), bytes = testing::BytePieces();
  const std::string fallback = testing::ByteFallback();
  testing::CharsmapBuilder spaces;
  spaces.Add({{" a", "b"}, {"c", "d  e"}});
  return {
      {"Unigram", pieces + unigram, true},
      {"UnigramWithRules", pieces + unigram + Normalizer(Rules()), true},
      {"UnigramWithBytes", pieces + bytes + Trainer(testing::kUnigram, fallback), true},
      {"UnigramWithUnusedPieces", pieces + PieceField("helloh", 0, testing::kUnused) + unigram,
       true},
      {"UnigramWithSymbols", pieces + PieceField("[MASK]", 0, testing::kUserDefined) +
                                 PieceField("o h", 0, testing::kUserDefined) + unigram},
      {"UnigramOverWords",
       pieces + PieceField(absl::StrCat("o", kMark, "hello"), -1, testing::kNormal) + unigram},
      {"UnigramWithoutPrefix", pieces + unigram + Normalizer("", VarintField(3, 0))},
      {"UnigramWithAllSpaces", pieces + unigram + Normalizer("", VarintField(4, 0))},
      {"UnigramWithoutMarks", pieces + PieceField(" ", -3, testing::kNormal) + unigram +
                                  Normalizer("", VarintField(5, 0))},
      {"UnigramWithSuffix", pieces + PieceField(absl::StrCat("hello", kMark), -1, 1) +
                                Trainer(testing::kUnigram, VarintField(24, 1))},
      {"UnigramWithRulesOverSpaces", pieces + unigram + Normalizer(spaces.Bytes()), true},
      {"UnigramWithDenormalizer", pieces + unigram + BytesField(5, BytesField(2, Rules())), true},
      {"Bpe", pieces + bpe},
      {"BpeWithBytes", pieces + bytes + Trainer(testing::kBpe, fallback)},
      {"BpeWithSymbols", pieces + PieceField("[MASK]", 0, testing::kUserDefined) + bpe},
      {"Words", pieces + Trainer(testing::kWord)},
      {"Characters", pieces + Trainer(testing::kChar)},
      {"Nul", pieces + PieceField(std::string_view("\0", 1), -9, testing::kNormal) + bytes +
                  Trainer(testing::kBpe, fallback)},
  };
}

std::unique_ptr<const Tokenizer> Load(const std::string& model) {
  const TemporaryFolder folder;
  folder.Write("any.model", model);
  auto tokenizer = LoadTokenizer(folder.path());
  EXPECT_THAT(tokenizer, IsOk());
  return *std::move(tokenizer);
}

std::vector<std::string> Texts() {
  std::vector<std::string> texts = testing::RandomTexts(21, 1500);
  for (const char* text :
       {"", " ", "  ", "\u2581", " hello", "hello  ", "  hello   un  able ", "xx qz hello\tun",
        "<hello< <", "hel\u2581lo \u2581", "He\uFB01 \u3000 un", "a\u00B4b \u00B4", "z zz hello z",
        "Zhello QQ un", "hello [MASK]hello o hello", "a c a  cc"}) {
    texts.emplace_back(text);
  }
  return texts;
}

// The library's tokens, but that every byte of a character has its span, not the last one alone.
struct Expected {
  std::vector<int32_t> ids;
  std::vector<Span> spans;
};

Expected Encode(const sentencepiece::SentencePieceProcessor& library, const std::string& text) {
  sentencepiece::SentencePieceText output;
  EXPECT_TRUE(library.Encode(text, &output).ok());
  Expected expected;
  for (const auto& piece : output.pieces()) {
    expected.ids.push_back(static_cast<int32_t>(piece.id()));
    expected.spans.push_back({piece.begin(), piece.end()});
  }
  for (size_t i = expected.ids.size(); i-- > 1;) {
    Span& before = expected.spans[i - 1];
    const Span span = expected.spans[i];
    if (library.IsByte(expected.ids[i]) && library.IsByte(expected.ids[i - 1]) &&
        before.begin == before.end && before.begin == span.begin) {
      before = span;
    }
  }
  return expected;
}

class ModelAloneTest : public ::testing::TestWithParam<Case> {};

TEST_P(ModelAloneTest, EncodesAndDecodesAsTheLibrary) {
  const auto tokenizer = Load(GetParam().model);
  sentencepiece::SentencePieceProcessor library;
  ::testing::internal::CaptureStderr();  // a warning of a piece with a NUL
  ASSERT_TRUE(library.LoadFromSerializedProto(GetParam().model).ok());
  ::testing::internal::GetCapturedStderr();
  size_t tokens = 0;
  for (const std::string& any : Texts()) {
    const std::string text = ReplaceInvalidUtf8(any);
    const Expected expected = Encode(library, text);
    const Encoding encoding = tokenizer->Encode(text);
    ASSERT_EQ(encoding.ids, expected.ids) << Quoted(text, 400);
    ASSERT_EQ(encoding.offsets, expected.spans) << Quoted(text, 400);
    ASSERT_EQ(tokenizer->Encode(any).ids, expected.ids) << Quoted(text, 400);
    const std::string_view views[] = {any, text};
    const EncodedBatch batch = tokenizer->EncodeBatch(views, {}, 1);
    ASSERT_EQ(std::vector(batch.ids.begin(), batch.ids.begin() + batch.starts[1]), expected.ids);
    ASSERT_EQ(std::vector(batch.ids.begin() + batch.starts[1], batch.ids.end()), expected.ids);
    std::string decoded;
    ASSERT_TRUE(library.Decode(expected.ids, &decoded).ok());
    ASSERT_EQ(tokenizer->Decode(expected.ids, true), decoded);
    tokens += expected.ids.size();
  }
  EXPECT_GT(tokens, 1500u);
  std::vector<int32_t> all;
  for (size_t id = 0; id < tokenizer->vocabulary_size(); ++id) {
    all.push_back(static_cast<int32_t>(id));
    EXPECT_EQ(tokenizer->IdToToken(all.back()), library.IdToPiece(all.back()));
  }
  std::string decoded;
  ASSERT_TRUE(library.Decode(all, &decoded).ok());
  EXPECT_EQ(tokenizer->Decode(all, true), decoded);
}

TEST_P(ModelAloneTest, WordsCountFromZeroWithoutGaps) {
  const auto tokenizer = Load(GetParam().model);
  for (const std::string& text : Texts()) {
    int32_t last = 0;
    for (const int32_t word : tokenizer->Encode(text).word_ids) {
      ASSERT_TRUE(word == last || word == last + 1) << Quoted(text, 400);
      last = word;
    }
  }
}

TEST_P(ModelAloneTest, GraftsOwnUnigramIsTakenWhereItIsTheSame) {
  const auto model = SentencePieceTokens::Parse(GetParam().model, "m");
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ((*model)->own() != nullptr, GetParam().own);
}

INSTANTIATE_TEST_SUITE_P(Models, ModelAloneTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(ModelAloneFolderTest, AnyNameIsRead) {
  const std::string model = Pieces() + Trainer(testing::kBpe);
  for (const char* name :
       {"spm.model", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "m.model"}) {
    const TemporaryFolder folder;
    const std::string path = folder.Write(name, model);
    const auto tokenizer = LoadTokenizer(folder.path());
    ASSERT_THAT(tokenizer, IsOk()) << name;
    EXPECT_THAT((*tokenizer)->files(), ElementsAre(path));
    EXPECT_EQ((*tokenizer)->special_tokens_per_text(), 0u);
    EXPECT_EQ((*tokenizer)->Describe(), "SentencePiece BPE, 53 tokens");
  }
}

TEST(ModelAloneFolderTest, WordsAreCountedByTheirMarks) {
  const auto words = [](const std::string& model, std::string_view text) {
    return Load(model)->Encode(text).word_ids;
  };
  const std::string unigram = Pieces() + Trainer(testing::kUnigram);
  EXPECT_THAT(words(unigram, "hello  unable"), ElementsAre(0, 1, 1));
  EXPECT_THAT(words(unigram, "hello\u3000unable é"), ElementsAre(0, 0, 0, 0, 1));
  EXPECT_THAT(words(Pieces() + Trainer(testing::kChar), "he un"), ElementsAre(0, 0, 0, 1, 1, 1));
  const std::string suffix = Pieces() + PieceField(absl::StrCat("hello", kMark), -1, 1) +
                             Trainer(testing::kUnigram, VarintField(24, 1));
  EXPECT_THAT(words(suffix, "hello hello"), ElementsAre(0, 1));
}

TEST(ModelAloneFolderTest, PairsAndWindowsAreThoseOfEveryTokenizer) {
  const auto tokenizer = Load(Pieces() + Trainer(testing::kUnigram));
  const std::vector<int32_t> hello = tokenizer->Encode("hello").ids;
  const Encoding pair = tokenizer->EncodePair("hello", "un");
  EXPECT_EQ(pair.type_ids, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(pair.ids[0], hello[0]);
  const Encoding cut =
      tokenizer->Encode("hello hello hello", {.max_length = 2, .overflowing = true});
  EXPECT_EQ(cut.ids.size(), 2u);
  ASSERT_EQ(cut.overflowing.size(), 1u);
  EXPECT_EQ(cut.overflowing[0].offsets, (std::vector<Span>{{11, 17}}));
  const std::string_view words[] = {"hello", "un"};
  EXPECT_THAT(tokenizer->EncodeWords(words).word_ids, ElementsAre(0, 1));
}

TEST(ModelAloneFolderTest, WhatNamesAClassOrTokensIsNotAModelAlone) {
  const std::string model = Pieces() + Trainer(testing::kUnigram);
  const std::pair<const char*, const char*> files[] = {
      {"config.json", R"({"model_type": "llama"})"},
      {"special_tokens_map.json", R"({"bos_token": "<s>"})"},
      {"tokenizer_config.json", R"({"eos_token": "</s>"})"},
      {"added_tokens.json", R"({"<pad>": 100})"},
      {"vocab.json", R"({"a": 0})"}};
  for (const auto& [name, text] : files) {
    const TemporaryFolder folder;
    folder.Write("tokenizer.model", model);
    folder.Write(name, text);
    EXPECT_THAT(LoadTokenizer(folder.path()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("expected tokenizer_class in tokenizer_config.json")))
        << name;
  }
}

TEST(ModelAloneFolderTest, SeveralModelsAreRefusedByName) {
  const TemporaryFolder folder;
  const std::string a = folder.Write("a.model", Pieces()), b = folder.Write("b.model", Pieces());
  EXPECT_THAT(LoadTokenizer(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(absl::StrCat("one .model file, found 2, ", a, " and ", b))));
}

TEST(ModelAloneFolderTest, TheModelIsCheckedAndComparedWithTheConfig) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("spm.model", Pieces().substr(0, 20));
  EXPECT_THAT(LoadTokenizer(folder.path()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path + ": byte ")));
  folder.Write("spm.model", Pieces());
  folder.Write("config.json", R"({"vocab_size": 52})");
  folder.Write("tokenizer_config.json", R"({"model_max_length": 64})");
  EXPECT_THAT(LoadTokenizer(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("expected 52 tokens"), HasSubstr("found 53"))));
  folder.Write("config.json", R"({"vocab_size": 53})");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ((*tokenizer)->model_max_length(), 64u);
}

TEST(SentencePieceRulesTest, RefusesRulesThatReachOverSpaces) {
  const auto rules = [](const std::map<std::string, std::string>& map) {
    testing::CharsmapBuilder charsmap;
    charsmap.Add(map);
    return SentencePieceRules::Create(charsmap.Bytes());
  };
  EXPECT_TRUE(rules({{"a", "b"}, {"bc", "c d"}}).has_value());
  EXPECT_TRUE(SentencePieceRules::Create("").has_value());
  EXPECT_FALSE(rules({{"a b", "b"}}).has_value());
  EXPECT_FALSE(rules({{" ", "_"}}).has_value());
  EXPECT_FALSE(rules({{"a", "b  c"}}).has_value());
  auto longest = rules({{"a", "x"}, {"ab", "y"}, {"c", "zz"}, {"\xC3", "e"}});
  ASSERT_TRUE(longest.has_value());
  std::string out;
  EXPECT_TRUE(longest->Normalize("abac", out));
  EXPECT_EQ(out, "yxzz");
  EXPECT_FALSE(longest->IsSimple('a')) << "a rule goes on behind it";
  EXPECT_TRUE(longest->IsSimple('b'));
  EXPECT_FALSE(longest->IsSimple('c')) << "it becomes two characters";
  EXPECT_FALSE(longest->Normalize("\u00E9", out)) << "a rule for half of a character";
}

}  // namespace
}  // namespace graft
