#include "tokenizers/files/sentencepiece_model.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

using testing::BytesField;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::PieceField;
using testing::SmallPieces;
using testing::StatusIs;
using testing::Trainer;
using testing::VarintField;

constexpr std::string_view kNul("\0", 1);

struct BadModel {
  std::string name, bytes, message;
};

std::string RandomBytes(size_t count) {
  std::mt19937 random(7);
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(random());
  return bytes;
}

std::string NestedGroups(int depth) {
  std::string bytes;
  for (int i = 0; i < depth; ++i) bytes += testing::Varint(300 << 3 | 3);
  for (int i = 0; i < depth; ++i) bytes += testing::Varint(300 << 3 | 4);
  return bytes;
}

std::string BadCharsmap(uint32_t unit) {
  testing::CharsmapBuilder builder;
  builder.Add({{"a", "A"}});
  builder.units[256 + 'a'] = unit;
  return SmallPieces() + testing::Normalizer(builder.Bytes());
}

std::vector<BadModel> BadModels() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  const std::string unk = PieceField("<unk>", 0, testing::kUnknown);
  return {
      {"Empty", "", "byte 0: expected a SentencePiece model, found an empty file"},
      {"RandomKilobyte", RandomBytes(1024), "byte 0: expected "},
      {"TruncatedVarint", unk + "\x0A\xFF", "expected a whole varint, found the end"},
      {"LongVarint", unk + "\x08" + std::string(10, '\xFF'), "expected a varint of at most 64"},
      {"LengthPastTheEnd", unk + "\x0A\x05xxxx",
       "expected a length of at most 4, what is left, found 5"},
      {"HugeLength", unk + "\x0A" + testing::Varint(~uint64_t{0}), "found 18446744073709551615"},
      {"LengthPastThePiece", BytesField(1, "\x0A\x05xxxx") + unk, "byte 3: expected a length"},
      {"NoPieces", Trainer(testing::kUnigram), "byte 4: expected pieces, found none"},
      {"TwoUnknown", unk + PieceField("<oov>", 0, testing::kUnknown),
       "byte 18: expected one piece of type 2 (unknown), found pieces 0 and 1"},
      {"NoUnknown", PieceField("a", 0, testing::kNormal),
       "expected a piece of type 2 (unknown), found none"},
      {"PieceOf200Kilobytes", unk + PieceField(std::string(200'000, 'x'), 0, testing::kNormal),
       "expected pieces[1] of at most 1024 bytes, found 200000 bytes"},
      {"ScoreNan", PieceField("<unk>", nan, testing::kUnknown),
       "byte 9: expected pieces[0].score as a finite number, found nan"},
      {"ScoreInfinite", PieceField("<unk>", -infinite, testing::kUnknown),
       "expected pieces[0].score as a finite number, found -inf"},
      {"PieceType99", unk + PieceField("a", 0, 99),
       "byte 26: expected pieces[1].type from 1 to 6, found 99"},
      {"PieceType0", PieceField("a", 0, 0), "expected pieces[0].type from 1 to 6, found 0"},
      {"ModelType99", unk + BytesField(2, VarintField(3, 99)),
       "byte 18: expected trainer_spec.model_type from 1 to 4"},
      {"CharsmapCycle", BadCharsmap('a' | 'a' << 10), "expected a trie without cycles"},
      {"CharsmapOffset", BadCharsmap('a' | 1 << 20), "expected children below unit 768"},
      {"CharsmapSizeLies", SmallPieces() + testing::Normalizer("\xFF\xFF\xFF\xFFxxxxxx"),
       "begins normalizer_spec.precompiled_charsmap: byte 0: expected a trie size"},
      {"DenormalizerCharsmap",
       SmallPieces() + BytesField(5, BytesField(2, "\xFF\xFF\xFF\xFFxxxxxx")),
       "begins denormalizer_spec.precompiled_charsmap: byte 0: expected a trie size"},
      {"DuplicatePiece",
       unk + PieceField("a", 0, testing::kNormal) + PieceField("a", -1, testing::kNormal),
       "expected pieces that differ, found 'a' as pieces 1 and 2"},
      {"BytePieceZz",
       unk + PieceField("<0xZZ>", 0, testing::kByte) +
           Trainer(testing::kBpe, testing::ByteFallback()),
       "expected pieces[1], of type 6, from <0x00> to <0xFF>, found '<0xZZ>'"},
      {"BytePieceInLowerCase",
       unk + PieceField("<0xab>", 0, testing::kByte) +
           Trainer(testing::kBpe, testing::ByteFallback()),
       "expected pieces[1], of type 6, from <0x00> to <0xFF>, found '<0xab>'"},
      {"BytePieceWithoutFallback", unk + PieceField("<0x00>", 0, testing::kByte),
       "expected no byte piece without byte_fallback, found pieces[1]"},
      {"BytePieceMissing",
       unk + PieceField("<0x00>", 0, testing::kByte) +
           Trainer(testing::kBpe, testing::ByteFallback()),
       "expected a piece <0x01> of type 6 (byte), as byte_fallback wants, found none"},
      {"EmptyPiece", unk + PieceField("", 0, testing::kNormal),
       "expected pieces[1] with a text, found none"},
      {"PieceWithoutText", unk + BytesField(1, ""), "expected pieces[1] with a text, found none"},
      {"PieceNotUtf8", unk + PieceField("a\xFF", 0, testing::kNormal),
       "byte 21: expected pieces[1] in UTF-8"},
      {"GroupNesting1000", unk + NestedGroups(1000),
       "byte 16: expected a field of wire type 0, 1, 2 or 5, found a group, wire type 3"},
      {"FieldNumber0", unk + VarintField(0, 1), "byte 16: expected a field number from 1 to"},
      {"HugeFieldNumber", unk + testing::Varint(uint64_t{1} << 40) + "\x01",
       "byte 16: expected a field number from 1 to 536870911, found 137438953472"},
      {"PiecesAsVarint", VarintField(1, 5), "expected pieces[0] as a string, found a varint"},
      {"ScoreAsVarint", BytesField(1, VarintField(2, 5)),
       "expected pieces[0].score as 4 bytes, found a varint"},
      {"CutFloat", BytesField(1, "\x15zz"), "expected a number of 4 bytes, found 2 bytes"},
      {"HugeUnkId", unk + BytesField(2, VarintField(40, uint64_t{1} << 40)),
       "expected trainer_spec.unk_id from -1 to 4194303, found 1099511627776"},
  };
}

class BadSentencePieceModelTest : public ::testing::TestWithParam<BadModel> {};

TEST_P(BadSentencePieceModelTest, IsRefusedWithItsByte) {
  const auto model = ParseSentencePieceModel(GetParam().bytes, "spiece.model");
  EXPECT_THAT(model, StatusIs(absl::StatusCode::kDataLoss,
                              ::testing::AllOf(::testing::StartsWith("spiece.model: byte "),
                                               HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadSentencePieceModelTest, ::testing::ValuesIn(BadModels()),
                         [](const auto& info) { return info.param.name; });

TEST(SentencePieceModelTest, RefusesFiveMillionPieces) {
  std::string bytes = PieceField("<unk>", 0, testing::kUnknown);
  for (size_t i = 1; i < 5'000'000; ++i) bytes += BytesField(1, BytesField(1, "x"));
  EXPECT_THAT(ParseSentencePieceModel(std::move(bytes), "m"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("at most 4194304 pieces")));
}

TEST(SentencePieceModelTest, KeepsWhatTheFileSays) {
  testing::CharsmapBuilder charsmap;
  charsmap.Add({{"a", "A"}});
  const auto model = ParseSentencePieceModel(
      SmallPieces() +
          Trainer(testing::kBpe, VarintField(24, 1) + VarintField(40, 0) + VarintField(41, 7) +
                                     VarintField(43, ~uint64_t{0}) + BytesField(44, "?") +
                                     BytesField(46, "<bos>")) +
          testing::Normalizer(charsmap.Bytes(), VarintField(3, 0) + VarintField(4, 0)) +
          BytesField(5, VarintField(5, 0)),
      "m");
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->kind, SentencePieceModel::Kind::kBpe);
  EXPECT_EQ(model->pieces.size(), 16u);
  EXPECT_EQ(model->pieces.token(3), "\u2581hello");
  EXPECT_EQ(model->scores[3], -1.0F);
  EXPECT_EQ(model->types[0], SentencePieceType::kUnknown);
  EXPECT_EQ(model->types[1], SentencePieceType::kControl);
  EXPECT_EQ(model->unknown_id, 0);
  EXPECT_TRUE(model->treat_whitespace_as_suffix);
  EXPECT_EQ(model->trained_bos_id, 7);
  EXPECT_EQ(model->trained_eos_id, 2) << "the default";
  EXPECT_EQ(model->trained_pad_id, -1);
  EXPECT_EQ(model->unk_surface, "?");
  EXPECT_EQ(model->bos_piece, "<bos>");
  EXPECT_EQ(model->normalizer.charsmap, charsmap.Bytes());
  EXPECT_FALSE(model->normalizer.add_dummy_prefix);
  EXPECT_FALSE(model->normalizer.remove_extra_whitespaces);
  EXPECT_TRUE(model->normalizer.escape_whitespaces);
  ASSERT_TRUE(model->denormalizer.has_value());
  EXPECT_FALSE(model->denormalizer->escape_whitespaces);
}

TEST(SentencePieceModelTest, SkipsFieldsThatItDoesNotKnow) {
  const std::string unknown = VarintField(200, 5) + BytesField(201, "x") +
                              testing::Varint(202 << 3 | 1) + "12345678" +
                              testing::FloatField(203, 1);
  EXPECT_THAT(ParseSentencePieceModel(unknown + SmallPieces() + Trainer(testing::kBpe, unknown) +
                                          BytesField(3, unknown) + unknown,
                                      "m"),
              IsOk());
}

TEST(SentencePieceModelTest, LoadsPiecesWithNul) {
  const std::string pieces = SmallPieces() + PieceField(kNul, -9, testing::kNormal);
  const auto plain = ParseSentencePieceModel(pieces, "m");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->types[16], SentencePieceType::kNormal);
  const auto fallback = ParseSentencePieceModel(
      pieces + testing::BytePieces() + Trainer(testing::kBpe, testing::ByteFallback()), "m");
  ASSERT_THAT(fallback, IsOk());
  EXPECT_EQ(fallback->types[16], SentencePieceType::kUnused) << "<0x00> stands for it";
}

TEST(SentencePieceModelTest, ByteFallbackNeedsNoUnknownPiece) {
  const auto model = ParseSentencePieceModel(
      testing::BytePieces() + Trainer(testing::kUnigram, testing::ByteFallback()), "m");
  ASSERT_THAT(model, IsOk());
  EXPECT_FALSE(model->unknown_id.has_value());
}

TEST(SentencePieceModelTest, EveryRefusalOfACutFileHasAPlace) {
  const std::string whole =
      SmallPieces() + Trainer(testing::kUnigram) + testing::Normalizer("", VarintField(3, 1));
  int accepted = 0;
  for (size_t length = 0; length <= whole.size(); ++length) {
    const auto model = ParseSentencePieceModel(whole.substr(0, length), "m");
    if (model.ok()) {
      ++accepted;
    } else {
      EXPECT_THAT(model, StatusIs(absl::StatusCode::kDataLoss,
                                  ::testing::MatchesRegex("m: byte [0-9]+: expected .*")));
    }
  }
  EXPECT_EQ(accepted, 18) << "at the ends of the 16 pieces and the two specs";
}

}  // namespace
}  // namespace graft
