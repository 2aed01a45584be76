#include "tokenizers/lanes/unigram_encoder.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tokenizers/models/models_support.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kMark[] = "\xE2\x96\x81";

// Lower case; "_" becomes a space, "~" nothing, and "%" is refused.
class TestNormalizer : public ChunkNormalizer {
 public:
  bool IsSimple(char c) const override { return c != '_' && c != '~' && c != '%'; }
  bool Normalize(std::string_view chunk, std::string& out) override {
    for (const char c : chunk) {
      if (c == '%') return false;
      if (c != '~') out += c == '_' ? ' ' : absl::ascii_tolower(c);
    }
    return true;
  }
};

std::unique_ptr<const Unigram> MakeModel(UnigramPeer peer, std::mt19937& random) {
  std::map<std::string, double> scores = {{"a", -2.1}, {"b", -3.3}, {kMark, -1.7}};
  for (int i = 0; i < 60; ++i) {
    const std::string front = random() % 2 == 0 ? kMark : "";
    scores[front + testing::RandomWord(random, {"a", "b", "\xC3\xA9"}, 1 + random() % 5)] =
        -0.1 * static_cast<double>(1 + random() % 90);
  }
  UnigramPieces pieces;
  pieces.Add("<unk>", 0, PieceType::kUnknown);
  for (const auto& [piece, score] : scores) pieces.Add(piece, static_cast<float>(score));
  Unigram::Options options;
  options.peer = peer;
  return *Unigram::Create(std::move(pieces), options, "");
}

// The words of a text, marked.
std::vector<std::string> MarkedWords(const std::string& text) {
  std::string normalized;
  TestNormalizer().Normalize(text, normalized);
  std::vector<std::string> words;
  for (size_t begin = 0; begin < normalized.size();) {
    const size_t end = std::min(normalized.find(' ', begin), normalized.size());
    if (end > begin) words.push_back(kMark + normalized.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// The definition: word by word for tokenizers, in one go for sentencepiece.
std::vector<int32_t> EncodePlainly(const Unigram& model, const std::string& text) {
  std::string all;
  std::vector<int32_t> ids;
  for (const std::string& word : MarkedWords(text)) {
    all += word;
    const std::vector<int32_t> of_word = testing::IdsOf(model, word);
    ids.insert(ids.end(), of_word.begin(), of_word.end());
  }
  return model.options().peer == UnigramPeer::kSentencePiece ? testing::IdsOf(model, all) : ids;
}

std::string RandomText(std::mt19937& random, size_t length) {
  const std::vector<std::string> parts = {"a",  "b", "A", " ", "a",        "b",
                                          "  ", "_", "~", "z", "\xC3\xA9", "\xE4\xB8\xAD"};
  const size_t kinds = 2 + random() % (parts.size() - 1);
  std::string text;
  while (text.size() < length) text += parts[random() % kinds];
  return text;
}

class UnigramEncoderTest : public ::testing::TestWithParam<UnigramPeer> {};

TEST_P(UnigramEncoderTest, CachesAndWindowsChangeNothing) {
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    const auto model = MakeModel(GetParam(), random);
    TestNormalizer normalizer;
    UnigramEncoder encoder(*model, normalizer, {});
    for (int i = 0; i < 100; ++i) {
      // Long ones have chunks longer than a window, and scores past the limit of the cache.
      const std::string text = RandomText(random, i % 9 == 0 ? random() % 30'000 : random() % 200);
      IdWriter ids;
      ASSERT_TRUE(encoder.AppendIds(text, ids));
      ASSERT_EQ(std::move(ids).Take(), EncodePlainly(*model, text)) << Quoted(text, 400);
    }
  }
}

TEST_P(UnigramEncoderTest, RefusesWhatItDoesNotCoverAndAppendsNothing) {
  std::mt19937 random(2);
  const auto model = MakeModel(GetParam(), random);
  TestNormalizer normalizer;
  UnigramEncoder encoder(*model, normalizer, {.trims_end = false});
  for (const std::string text : {"a b%", "a \xFF",
                                 "a \xE2\x96\x81"
                                 "b",
                                 "a ", " "}) {
    IdWriter ids;
    EXPECT_FALSE(encoder.AppendIds(text, ids)) << text;
    EXPECT_THAT(std::move(ids).Take(), IsEmpty());
  }
  IdWriter ids;
  EXPECT_TRUE(encoder.AppendIds("", ids));
}

INSTANTIATE_TEST_SUITE_P(Peers, UnigramEncoderTest,
                         ::testing::Values(UnigramPeer::kTokenizers, UnigramPeer::kSentencePiece),
                         [](const auto& param) {
                           return param.param == UnigramPeer::kTokenizers ? "Tokenizers"
                                                                          : "SentencePiece";
                         });

bool AppendTokens(UnigramEncoder& encoder, std::string_view text, Encoding& encoding) {
  TokenWriter writer(0, std::nullopt, 0, encoding);
  return encoder.AppendTokens(text, 0, writer);
}

TEST(UnigramEncodingTest, SpansAreThoseOfThePeer) {
  // Expected values: tokenizers 0.23.3, Replace(" {2,}", " ") and Metaspace("always").
  UnigramPieces pieces;
  pieces.Add("<unk>", 0);
  pieces.Add(kMark, -2);
  pieces.Add(std::string(kMark) + "a", -1);
  pieces.Add("b", -3);
  pieces.Add(std::string(kMark) + "b", -1.5);
  pieces.Add("c", -2);
  const auto model = *Unigram::Create(std::move(pieces), {}, "");
  TestNormalizer normalizer;
  UnigramEncoder encoder(*model, normalizer, {});
  const auto spans = [&](std::string_view text, std::vector<int32_t> words) {
    Encoding encoding;
    EXPECT_TRUE(AppendTokens(encoder, text, encoding));
    EXPECT_EQ(encoding.word_ids, words) << text;
    return encoding.offsets;
  };
  EXPECT_THAT(spans("a b", {0, 1}), ElementsAre(Span{0, 1}, Span{1, 3}));
  EXPECT_THAT(spans("c b", {0, 0, 1}), ElementsAre(Span{0, 1}, Span{0, 1}, Span{1, 3}));
  EXPECT_THAT(spans("  a", {0}), ElementsAre(Span{1, 3}));
  EXPECT_THAT(spans("a   b", {0, 1}), ElementsAre(Span{0, 1}, Span{3, 5}));
  EXPECT_THAT(spans("a  c", {0, 1, 1}), ElementsAre(Span{0, 1}, Span{2, 3}, Span{3, 4}));
  EXPECT_THAT(spans("xy a", {0, 0, 1}), ElementsAre(Span{0, 1}, Span{0, 2}, Span{2, 4}));
}

TEST(UnigramEncodingTest, HasTheIdsOfTheFastWay) {
  std::mt19937 random(3);
  const auto model = MakeModel(UnigramPeer::kTokenizers, random);
  TestNormalizer normalizer;
  UnigramEncoder encoder(*model, normalizer, {});
  size_t covered = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = RandomText(random, random() % 100);
    Encoding encoding;
    if (!AppendTokens(encoder, text, encoding)) continue;
    ++covered;
    ASSERT_EQ(encoding.ids, EncodePlainly(*model, text));
    const int32_t words = encoding.word_ids.empty() ? 0 : encoding.word_ids.back() + 1;
    ASSERT_EQ(static_cast<size_t>(words), MarkedWords(text).size());
  }
  EXPECT_GT(covered, 200u);
}

}  // namespace
}  // namespace graft
