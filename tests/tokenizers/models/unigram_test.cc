#include "tokenizers/models/unigram.h"

#include <cmath>
#include <map>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/models/models_support.h"
#include "tokenizers/models/word_level.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IdsOf;
using testing::StatusIs;
using testing::TokensOf;

constexpr char kMark[] = "\xE2\x96\x81";

using Pieces = std::vector<std::pair<std::string, double>>;

UnigramPieces Listed(const Pieces& pieces) {
  UnigramPieces listed;
  for (const auto& [piece, score] : pieces) listed.Add(piece, score);
  return listed;
}

std::unique_ptr<const Unigram> MakeUnigram(const Pieces& pieces, Unigram::Options options = {}) {
  return *Unigram::Create(Listed(pieces), options, "vocab");
}

TEST(UnigramTest, TakesTheRowWithTheHighestSum) {
  const auto model = MakeUnigram({{"<unk>", 0},
                                  {"a", 0},
                                  {"b", 0},
                                  {"c", 0},
                                  {"d", 0},
                                  {"cd", 1},
                                  {"ab", 2},
                                  {"abc", 5},
                                  {"abcd", 10}});
  EXPECT_THAT(TokensOf(*model, "abcdacd"),
              ElementsAre(ModelToken{8, {0, 4}}, ModelToken{1, {4, 5}}, ModelToken{5, {5, 7}}));
  EXPECT_THAT(IdsOf(*model, ""), ElementsAre());
}

TEST(UnigramTest, TakesTheLongerLastPieceOfEquals) {
  const auto model =
      MakeUnigram({{"<unk>", 0}, {"a", -1}, {"aa", -2}, {"ab", -1.5}, {"b", -1.5}, {"aab", -2.5}});
  EXPECT_THAT(IdsOf(*model, "aa"), ElementsAre(2));
  EXPECT_THAT(IdsOf(*model, "aab"), ElementsAre(5));
}

TEST(UnigramTest, MakesARowOfUnknownCharactersOneToken) {
  const auto model = MakeUnigram({{"<unk>", 0}, {"a", -1}});
  EXPECT_THAT(TokensOf(*model,
                       "az\xE4\xB8\xAD"
                       "a"),
              ElementsAre(ModelToken{1, {0, 1}}, ModelToken{0, {1, 5}}, ModelToken{1, {5, 6}}));
}

TEST(UnigramTest, FallsBackToBytesWithTheSpanOfTheRow) {
  Pieces pieces = {{"<unk>", 0}, {"a", -1}, {"<0xC3>", -9}, {"<0xA9>", -9}, {"<0x7A>", -9}};
  Unigram::Options options;
  options.byte_fallback = true;
  EXPECT_THAT(TokensOf(*MakeUnigram(pieces, options), "zéa"),
              ElementsAre(ModelToken{4, {0, 3}}, ModelToken{2, {0, 3}}, ModelToken{3, {0, 3}},
                          ModelToken{1, {3, 4}}));
  EXPECT_THAT(TokensOf(*MakeUnigram(pieces, options), "zè"), ElementsAre(ModelToken{0, {0, 3}}));
  options.peer = UnigramPeer::kSentencePiece;
  UnigramPieces listed = Listed(pieces);
  for (const size_t i : {2, 3, 4}) listed.types[i] = PieceType::kByte;
  EXPECT_THAT(TokensOf(**Unigram::Create(listed, options, ""), "zé"),
              ElementsAre(ModelToken{4, {0, 1}}, ModelToken{2, {1, 3}}, ModelToken{3, {1, 3}}));
}

TEST(UnigramTest, FindsOnlyNormalAndUserDefinedPiecesAsSentencePieceDoes) {
  UnigramPieces pieces = Listed({{"<unk>", 0}, {"a", -1}, {"b", -1}, {"ab", -9}, {"aba", 5}});
  pieces.types = {PieceType::kUnknown, PieceType::kNormal, PieceType::kNormal,
                  PieceType::kUserDefined, PieceType::kControl};
  Unigram::Options options;
  options.peer = UnigramPeer::kSentencePiece;
  EXPECT_THAT(IdsOf(**Unigram::Create(pieces, options, ""), "aba"), ElementsAre(3, 1));
  options.peer = UnigramPeer::kTokenizers;
  EXPECT_THAT(IdsOf(**Unigram::Create(pieces, options, ""), "aba"), ElementsAre(4));
}

// Pieces that need not be marked, over a few letters, with scores that often tie.
Pieces RandomPieces(std::mt19937& random, double unit) {
  std::map<std::string, double> pieces = {{"a", -1}, {"b", -2}, {kMark, -1.5}};
  for (int i = 0; i < 40; ++i) {
    const std::string front = random() % 2 == 0 ? kMark : "";
    pieces[front + testing::RandomWord(random, {"a", "b", "\xC3\xA9"}, 1 + random() % 4)] =
        -unit * static_cast<double>(1 + random() % 40);
  }
  Pieces list = {{"<unk>", 0}};
  list.insert(list.end(), pieces.begin(), pieces.end());
  return list;
}

// The sum of the best row for each end, over all rows.
double BestSum(const std::map<std::string, double>& scores, const std::string& word,
               double unknown) {
  std::vector<double> best(word.size() + 1, -INFINITY);
  best[0] = 0;
  for (size_t begin = 0; begin < word.size(); ++begin) {
    for (size_t end = begin + 1; end <= word.size(); ++end) {
      const auto piece = scores.find(word.substr(begin, end - begin));
      double score = piece == scores.end() ? -INFINITY : piece->second;
      const bool character = end - begin == (static_cast<uint8_t>(word[begin]) < 0x80 ? 1u : 2u);
      if (piece == scores.end() && character) score = unknown;
      best[end] = std::max(best[end], best[begin] + score);
    }
  }
  return best[word.size()];
}

TEST(UnigramTest, TheSumIsTheBestOfAllRows) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const Pieces pieces = RandomPieces(random, 0.25);
    const std::map<std::string, double> scores(pieces.begin() + 1, pieces.end());
    double worst = 0;
    for (const auto& [piece, score] : pieces) worst = std::min(worst, score);
    const auto model = MakeUnigram(pieces);
    for (int i = 0; i < 50; ++i) {
      const std::string word = testing::RandomWord(random, {"a", "b", "\xC3\xA9"}, random() % 20);
      double sum = 0;
      for (const ModelToken& token : TokensOf(*model, word)) {
        const size_t length = token.span.end - token.span.begin;
        sum += token.id == 0 ? (worst - 10) * static_cast<double>(length / 2)
                             : pieces[static_cast<size_t>(token.id)].second;
      }
      ASSERT_EQ(sum, BestSum(scores, word, worst - 10)) << word;
    }
  }
}

// The tokens of a text by its words, as a cache of words would put them together.
std::vector<ModelToken> ByWords(const Unigram& model, std::string_view text, size_t& anywhere) {
  std::vector<ModelToken> tokens;
  float score = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(kMark, begin + 1), text.size());
    std::vector<ModelToken> word, fixed;
    const float before = score;
    model.TokenizeNext(text.substr(begin, end - begin), score, word);
    const bool in_limits = std::abs(before) <= Unigram::kScoreLimit;
    if (in_limits && model.TokenizeAnywhere(text.substr(begin, end - begin), fixed)) {
      ++anywhere;
      EXPECT_EQ(word, fixed);
      float sum = before;
      for (const ModelToken& token : fixed) sum += model.score(token.id);
      EXPECT_EQ(sum, score);
    }
    for (const ModelToken& token : word) {
      const auto shift = static_cast<uint32_t>(begin);
      const Span span{token.span.begin + shift, token.span.end + shift};
      if (token.id == 0 && !tokens.empty() && tokens.back().id == 0) {
        tokens.back().span.end = span.end;
      } else {
        tokens.push_back({token.id, span});
      }
    }
    begin = end;
  }
  return tokens;
}

TEST(UnigramTest, WordsOfATextGiveWhatTheTextGives) {
  std::mt19937 random(4);
  Unigram::Options options;
  options.peer = UnigramPeer::kSentencePiece;
  size_t anywhere = 0;
  for (int round = 0; round < 40; ++round) {
    // Units that floats do not hold exactly, so that sums depend on what stands before.
    const auto model = MakeUnigram(RandomPieces(random, round % 2 == 0 ? 0.1 : 0.7), options);
    ASSERT_TRUE(model->words_are_apart());
    for (int i = 0; i < 20; ++i) {
      const std::string text =
          testing::RandomWord(random, {"a", "b", "\xC3\xA9", kMark, "a", "b"}, random() % 300);
      ASSERT_EQ(ByWords(*model, text, anywhere), TokensOf(*model, text)) << text;
    }
  }
  EXPECT_GT(anywhere, 1000u);
}

TEST(UnigramTest, SumsBeginAnewWhereTheyGrowTooLarge) {
  Unigram::Options options;
  options.peer = UnigramPeer::kSentencePiece;
  const auto model = MakeUnigram(
      {{"<unk>", 0}, {"a", -9000.25}, {"b", -1.5}, {"ab", -9001.75}, {kMark, -3.3}}, options);
  std::mt19937 random(5);
  const std::string text = testing::RandomWord(random, {"a", "b", kMark}, 2000);
  size_t anywhere = 0;
  EXPECT_EQ(ByWords(*model, text, anywhere), TokensOf(*model, text));
}

TEST(UnigramTest, TellsWhetherAMarkStandsInsidePieces) {
  EXPECT_TRUE(MakeUnigram({{"<unk>", 0}, {std::string(kMark) + "a", -1}})->words_are_apart());
  EXPECT_FALSE(MakeUnigram({{"<unk>", 0}, {std::string("a") + kMark, -1}})->words_are_apart());
}

TEST(UnigramTest, RefusesListsThatAreNoModel) {
  const auto refused = [](const Pieces& pieces, int32_t unknown, const std::string& message) {
    Unigram::Options options;
    options.unknown_id = unknown;
    EXPECT_THAT(Unigram::Create(Listed(pieces), options, "vocab"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refused({}, 0, "vocab: expected 1 to 4194304 pieces, found 0");
  refused({{"a", 0}, {"", 0}}, 0, "vocab[1]: expected a piece, found an empty one");
  refused({{"a", 0}, {"\xFF", 0}}, 0, "vocab[1]: expected UTF-8, found '\\xFF'");
  refused({{"a", NAN}}, 0, "vocab[0]: expected a finite score, found nan");
  refused({{"a", -INFINITY}}, 0, "vocab[0]: expected a finite score, found -inf");
  refused({{"a", 0}, {"b", 0}, {"a", 1}}, 0, "vocab[2]: expected a new piece, found 'a' of [0]");
  refused({{"a", 0}}, 1, "vocab: expected the unknown piece to be 0 to 0, found 1");
  refused({{"a", 0}}, -1, "vocab: expected the unknown piece to be 0 to 0, found -1");
  refused({{std::string(200'000, 'a'), 0}}, 0,
          "vocab[0]: expected at most 1024 bytes, found 200000");
}

TEST(WordLevelTest, KnowsAWordOrDoesNot) {
  const WordLevel model(testing::MakeVocabulary({"[UNK]", "hello"}), 0);
  EXPECT_THAT(TokensOf(model, "hello"), ElementsAre(ModelToken{1, {0, 5}}));
  EXPECT_THAT(TokensOf(model, "hell"), ElementsAre(ModelToken{0, {0, 4}}));
  EXPECT_EQ(model.IdToToken(1), "hello");
  EXPECT_EQ(model.IdToToken(2), std::nullopt);
  EXPECT_EQ(model.TokenToId("[UNK]"), 0);
}

}  // namespace
}  // namespace graft
