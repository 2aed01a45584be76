#include "tasks/word_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/word_vectors.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeVectors;
using testing::MakeWords;

std::vector<float> Floats(const at::Tensor& tensor) {
  const at::Tensor x = tensor.contiguous();
  return {x.const_data_ptr<float>(), x.const_data_ptr<float>() + x.numel()};
}

std::vector<int32_t> Ints(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int32_t>(), tensor.const_data_ptr<int32_t>() + tensor.numel()};
}

TEST(WordModelTest, IdsCountTheDifferentWordsAndRowsComeFromTableAndSets) {
  WordModelSettings settings;
  settings.set_widths = {2, 1};
  settings.backbone = {.table_rows = 1, .width = 3, .channels = 1};
  settings.vocabulary = 2;
  const WordModel model(settings, {MakeVectors({"a", "b"}, 2), MakeVectors({"b", "c"}, 1)},
                        MakeWords({"c", "a"}), {});
  const std::vector<std::string_view> texts = {"a b a", "c x"};
  const EncodedTexts encoded = model.Encode(texts, 100, 2);
  EXPECT_THAT(encoded.tokens.ids, ElementsAre(0, 1, 0, 2, 3));
  EXPECT_THAT(encoded.tokens.starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(Ints(encoded.words.table_rows), ElementsAre(-1, -1, 0, -1));
  EXPECT_THAT(Floats(encoded.words.vectors), ElementsAre(1, 2, 0,    // a: in the first set
                                                         3, 4, 1,    // b: in both
                                                         0, 0, 0,    // c: a row of the table
                                                         0, 0, 0));  // x: unknown
  EXPECT_FALSE(encoded.words.weights.defined());
}

TEST(WordModelTest, TwoChannelsTakeTheVectorBesideTheRow) {
  WordModelSettings settings;
  settings.set_widths = {1};
  settings.backbone = {.table_rows = 1, .width = 1, .channels = 2};
  settings.vocabulary = 1;
  const WordModel model(settings, {MakeVectors({"a"}, 1)}, MakeWords({"a"}), {});
  const std::vector<std::string_view> texts = {"a"};
  const EncodedTexts encoded = model.Encode(texts, 100, 1);
  EXPECT_THAT(Ints(encoded.words.table_rows), ElementsAre(0));
  EXPECT_THAT(Floats(encoded.words.vectors), ElementsAre(1));
}

TEST(WordModelTest, LongTextsAreCutAndCounted) {
  WordModelSettings settings;
  settings.backbone = {.table_rows = 1, .width = 1, .channels = 1};
  settings.vocabulary = 1;
  const WordModel model(settings, {}, MakeWords({"a"}), {});
  const std::vector<std::string_view> texts = {"a b c d", "a"};
  const EncodedTexts encoded = model.Encode(texts, 3, 1);
  EXPECT_THAT(encoded.tokens.starts, ElementsAre(0, 3, 4));
  EXPECT_THAT(encoded.tokens.cut_off, ElementsAre(1, 0));
}

TEST(WordModelTest, WordsThatTrainingDidNotSeeWeighOne) {
  WordModelSettings settings;
  settings.backbone = {.table_rows = 1, .width = 1, .channels = 1};
  settings.vocabulary = 2;
  settings.weighted = true;
  const WordModel model(settings, {}, MakeWords({"a", "b"}), {0.25, 0.5});
  const std::vector<std::string_view> texts = {"x b a"};
  EXPECT_THAT(Floats(model.Encode(texts, 9, 1).words.weights), ElementsAre(1, 0.5, 0.25));
}

TEST(WordModelTest, ATextsWordsDoNotDependOnTheOthersOrOnThreads) {
  WordModelSettings settings;
  settings.set_widths = {2};
  settings.backbone = {.table_rows = 0, .width = 2, .channels = 1};
  const WordModel model(settings, {MakeVectors({"a", "b", "c"}, 2)}, {}, {});
  std::vector<std::string> many;
  for (int i = 0; i < 500; ++i) many.push_back(i % 3 == 0 ? "a b z" : i % 3 == 1 ? "c" : "b c a a");
  const std::vector<std::string_view> texts(many.begin(), many.end());
  const EncodedTexts one = model.Encode(texts, 99, 1), two = model.Encode(texts, 99, 2);
  EXPECT_EQ(one.tokens.ids, two.tokens.ids);
  EXPECT_EQ(Floats(one.words.vectors), Floats(two.words.vectors));
  EXPECT_EQ(one.words.vectors.size(0), 4);
  // The vectors of a text's words, word by word, as they are for the text alone.
  const auto vectors_of = [](const EncodedTexts& encoded, size_t text) {
    std::vector<float> vectors;
    const std::vector<float> rows = Floats(encoded.words.vectors);
    for (int32_t i = encoded.tokens.starts[text]; i < encoded.tokens.starts[text + 1]; ++i) {
      const auto row = rows.begin() + 2 * encoded.tokens.ids[static_cast<size_t>(i)];
      vectors.insert(vectors.end(), row, row + 2);
    }
    return vectors;
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    const EncodedTexts alone = model.Encode(absl::MakeConstSpan(texts).subspan(i, 1), 99, 1);
    EXPECT_EQ(vectors_of(one, i), vectors_of(alone, 0)) << texts[i];
  }
}

TEST(WordModelTest, WordsAreFoundInTheTableAndInEachSet) {
  WordModelSettings settings;
  settings.set_widths = {2, 1};
  settings.backbone = {.table_rows = 1, .width = 3, .channels = 1};
  settings.vocabulary = 2;
  const WordModel model(settings, {MakeVectors({"a", "b"}, 2), MakeVectors({"b", "c"}, 1)},
                        MakeWords({"c", "a"}), {});
  using enum VectorSource;
  EXPECT_EQ(model.Find("c").table_row, 0);
  EXPECT_THAT(model.Find("c").sources, ElementsAre(kNone, kRow));
  EXPECT_EQ(model.Find("a").table_row, std::nullopt) << "a word of the weights alone";
  EXPECT_THAT(model.Find("a").sources, ElementsAre(kRow, kNone));
  EXPECT_THAT(model.Find("B").sources, ElementsAre(kLowerCase, kLowerCase));
}

TEST(CountWordsTest, FallByCountAndThenByTheirBytes) {
  const std::vector<std::string_view> texts = {"b a c b", "c d"};
  std::vector<std::string> found;
  for (const WordCount& word : CountWords(WordTokenizer({}), texts, 9, 2)) {
    found.push_back(word.word + std::to_string(word.count));
  }
  EXPECT_THAT(found, ElementsAre("b2", "c2", "a1", "d1"));
}

TEST(ParseWordListTest, WordsComeBackAsTheyWereWritten) {
  const Words words = MakeWords({"a", "b\xff", "\xc2\xa0"});
  const auto read = ParseWordList(FormatWordList(words), 3, "words.txt");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 3);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ((*read)[i], words[i]);
}

TEST(ParseWordListTest, DamageIsNamedWithItsLine) {
  const auto refused = [](std::string_view text) {
    return std::string(ParseWordList(text, 2, "words.txt").status().message());
  };
  EXPECT_THAT(refused("a\na\n"),
              HasSubstr("words.txt:2: expected different words, found 'a' again"));
  EXPECT_THAT(refused("a\n\n"), HasSubstr("words.txt:2: expected a word, found an empty line"));
  EXPECT_THAT(refused("a\nb"), HasSubstr("words.txt:2: expected a line end, found the end"));
  EXPECT_THAT(refused("a\n"), HasSubstr("expected 2 words, as graft.json says, found 1"));
}

}  // namespace
}  // namespace graft
