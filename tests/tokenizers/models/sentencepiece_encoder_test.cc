#include "tokenizers/models/sentencepiece_encoder.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/sentencepiece_files.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::PieceField;
using testing::SmallPieces;
using testing::StatusIs;
using testing::TemporaryFolder;
using testing::Trainer;
using testing::VarintField;

SentencePieceEncoder Encoder(const std::string& bytes) {
  auto encoder = SentencePieceEncoder::Parse(bytes, "m");
  EXPECT_THAT(encoder, IsOk());
  return std::move(*encoder);
}

struct Result {
  std::vector<int32_t> ids;
  std::vector<std::string> pieces, surfaces;
};

Result Encode(const SentencePieceEncoder& encoder, std::string_view text) {
  Result result;
  std::vector<ModelToken> tokens;
  EXPECT_THAT(encoder.Encode(text, tokens, result.pieces), IsOk());
  for (const ModelToken& token : tokens) {
    result.ids.push_back(token.id);
    EXPECT_LE(token.span.begin, token.span.end);
    EXPECT_LE(token.span.end, text.size());
    result.surfaces.emplace_back(text.substr(token.span.begin, token.span.end - token.span.begin));
  }
  return result;
}

TEST(SentencePieceEncoderTest, EncodesUnigramWithSpansOfTheOriginal) {
  const auto encoder = Encoder(SmallPieces() + Trainer(testing::kUnigram));
  const Result result = Encode(encoder, "  hello   world ");
  EXPECT_THAT(result.pieces, ElementsAre("\u2581hello", "\u2581world"));
  EXPECT_THAT(result.ids, ElementsAre(3, 4));
  EXPECT_THAT(result.surfaces, ElementsAre("hello", "   world"));
  EXPECT_TRUE(Encode(encoder, "").ids.empty());
}

TEST(SentencePieceEncoderTest, JoinsUnknownCharacters) {
  const auto encoder = Encoder(SmallPieces() + Trainer(testing::kUnigram));
  const Result result = Encode(encoder, "he中文o");
  EXPECT_THAT(result.pieces, ElementsAre("\u2581", "he", "中文", "o"));
  EXPECT_THAT(result.ids, ElementsAre(5, 6, 0, 8));
  EXPECT_THAT(result.surfaces, ElementsAre("", "he", "中文", "o"));
}

TEST(SentencePieceEncoderTest, EncodesBpeWordAndCharacterModels) {
  EXPECT_THAT(Encode(Encoder(SmallPieces() + Trainer(testing::kBpe)), "hello").pieces,
              ElementsAre("\u2581", "he", "ll", "o"));
  EXPECT_THAT(Encode(Encoder(SmallPieces() + Trainer(testing::kWord)), "hello ho").pieces,
              ElementsAre("\u2581hello", "\u2581ho"));
  EXPECT_THAT(Encode(Encoder(SmallPieces() + Trainer(testing::kChar)), "he").pieces,
              ElementsAre("\u2581", "h", "e"));
}

TEST(SentencePieceEncoderTest, BytesOfACharacterHaveItsSpan) {
  const auto encoder = Encoder(SmallPieces() + testing::BytePieces() +
                               Trainer(testing::kUnigram, testing::ByteFallback()) +
                               testing::Normalizer("", VarintField(3, 0)));
  const Result result = Encode(encoder, "h中ßo");
  EXPECT_THAT(result.pieces,
              ElementsAre("h", "<0xE4>", "<0xB8>", "<0xAD>", "<0xC3>", "<0x9F>", "o"));
  EXPECT_THAT(result.surfaces, ElementsAre("h", "中", "中", "中", "ß", "ß", "o"));
  EXPECT_THAT(encoder.Decode(result.ids), IsOkAndHolds("h中ßo"));
}

TEST(SentencePieceEncoderTest, ReplacesIllFormedPartsAsOneCharacter) {
  const auto encoder = Encoder(SmallPieces() + Trainer(testing::kUnigram));
  const Result result = Encode(encoder, "he\xE4\xB8o\xFF\xFFlé");
  EXPECT_THAT(result.pieces, ElementsAre("\u2581", "he", "\uFFFD", "o", "\uFFFD\uFFFD", "l", "é"));
  EXPECT_THAT(result.surfaces, ElementsAre("", "he", "\xE4\xB8", "o", "\xFF\xFF", "l", "é"));
}

TEST(SentencePieceEncoderTest, NormalizesByTheCharsmap) {
  testing::CharsmapBuilder charsmap;
  charsmap.Add({{"H", "h"}, {"\uFB01", "ll"}, {"\u3000", " "}});
  const auto encoder =
      Encoder(SmallPieces() + Trainer(testing::kUnigram) + testing::Normalizer(charsmap.Bytes()));
  const Result result = Encode(encoder, "He\uFB01o\u3000world");
  EXPECT_THAT(result.pieces, ElementsAre("\u2581hello", "\u2581world"));
  EXPECT_THAT(result.surfaces, ElementsAre("He\uFB01o", "\u3000world"));
}

TEST(SentencePieceEncoderTest, LoadsANulPieceBesideByteFallbackAndPrintsNothing) {
  ::testing::internal::CaptureStderr();
  const auto encoder =
      Encoder(SmallPieces() + PieceField(std::string_view("\0", 1), -9, 1) + testing::BytePieces() +
              Trainer(testing::kBpe, testing::ByteFallback()));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(Encode(encoder, std::string_view("he\0", 3)).pieces,
              ElementsAre("\u2581", "he", "<0x00>"));
}

TEST(SentencePieceEncoderTest, RefusalsOfTheLibraryAreStatuses) {
  EXPECT_THAT(SentencePieceEncoder::Parse(
                  SmallPieces() + PieceField(std::string_view("a\0b", 3), -9, 1), "m"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("m: SentencePiece: ")));
  const auto encoder = Encoder(SmallPieces() + Trainer(testing::kUnigram));
  for (const int32_t id : {-1, 16, 1 << 30}) {
    const std::vector<int32_t> ids = {3, id};
    EXPECT_THAT(encoder.Decode(ids), StatusIs(absl::StatusCode::kInvalidArgument)) << id;
  }
}

TEST(SentencePieceEncoderTest, LoadNamesTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("spiece.model", SmallPieces());
  const auto encoder = SentencePieceEncoder::Load(path);
  ASSERT_THAT(encoder, IsOk());
  EXPECT_EQ(encoder->model().source, path);
  EXPECT_THAT(SentencePieceEncoder::Load(folder / "none"), StatusIs(absl::StatusCode::kNotFound));
  const std::string cut = folder.Write("cut.model", SmallPieces().substr(0, 20));
  EXPECT_THAT(SentencePieceEncoder::Load(cut),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(cut + ": byte 17: ")));
}

TEST(SentencePieceEncoderTest, ThreadsShareOneEncoder) {
  const auto encoder = Encoder(SmallPieces() + Trainer(testing::kUnigram));
  std::vector<std::thread> threads;
  std::vector<Result> results(4);
  for (Result& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) result = Encode(encoder, "hello world held lower");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Result& result : results) EXPECT_EQ(result.ids, results[0].ids);
}

// What the check lets through, the library must survive: all single-byte changes of the specs and
// of some pieces.
TEST(SentencePieceEncoderTest, SurvivesChangedBytesThatPassTheCheck) {
  testing::CharsmapBuilder charsmap;
  charsmap.Add({{"H", "h"}, {"He", "e"}});
  const std::string whole = Trainer(testing::kUnigram) + SmallPieces() +
                            testing::Normalizer(charsmap.Bytes(), VarintField(3, 1));
  int accepted = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    // The children of a node fill 1024 bytes of which few are not zero.
    if (whole[at] == 0 && at % 97 != 0) continue;
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const auto encoder = SentencePieceEncoder::Parse(bytes, "m");
      if (!encoder.ok()) continue;
      ++accepted;
      std::vector<ModelToken> tokens;
      // An error is right as well.
      static_cast<void>(encoder->Encode("He hello wörld", tokens));
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(PropertyForLibraryTest, NamesWhatGraftDoesNotDoItself) {
  const auto property = [](const std::string& bytes) {
    const auto model = ParseSentencePieceModel(bytes, "m");
    EXPECT_THAT(model, IsOk());
    return std::string(PropertyForLibrary(*model));
  };
  EXPECT_EQ(property(SmallPieces()), "");
  EXPECT_EQ(property(SmallPieces() + Trainer(testing::kBpe)), "");
  EXPECT_EQ(property(SmallPieces() + Trainer(testing::kWord)), "a word model");
  EXPECT_EQ(property(SmallPieces() + Trainer(testing::kChar)), "a character model");
  EXPECT_EQ(property(SmallPieces() + Trainer(testing::kBpe, VarintField(24, 1))),
            "whitespace as a suffix");
  EXPECT_EQ(property(SmallPieces() + testing::BytesField(3, VarintField(5, 0))),
            "spaces that stay spaces");
  EXPECT_EQ(property(SmallPieces() + PieceField("<x>", 0, testing::kUserDefined)),
            "user-defined pieces");
  const std::string unused = SmallPieces() + PieceField("xy", 0, testing::kUnused);
  EXPECT_EQ(property(unused), "");
  EXPECT_EQ(property(unused + Trainer(testing::kBpe)), "unused pieces");
  EXPECT_EQ(property(SmallPieces() + PieceField(std::string_view("a\0", 2), 0, 1)),
            "pieces with a NUL");
}

}  // namespace
}  // namespace graft
