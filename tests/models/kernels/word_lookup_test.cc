#include "models/kernels/word_lookup.h"

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

// Five words, of which two have rows in a table of three.
WordRows FiveWords() { return {Random({5, 7}), at::tensor({-1, 2, -1, 0, -1}, at::kInt), {}}; }

TEST(WordLookupTest, WordsOfTheTableGetItsRowsAndTheOthersTheirVectors) {
  WithThreads([] {
    const WordRows words = FiveWords();
    const at::Tensor ids = at::tensor({3, 0, 1, 1, 4, 2}, at::kInt), table = Random({3, 7});
    const at::Tensor found = WordLookup(ids, words, table, MakeSegments({2, 3}));
    const at::Tensor& v = words.vectors;
    EXPECT_TRUE(
        SameBits(found, at::stack({table[0], v[0], table[2], table[2], v[4], at::zeros({7})})));
    EXPECT_TRUE(
        SameBits(WordLookup(ids, words, {}, MakeSegments({6})), at::index_select(v, 0, ids)));
  });
}

TEST(WordLookupTest, TheGradientHasTheRowsThatWereMet) {
  WithThreads([] {
    const WordRows words = FiveWords();
    const at::Tensor ids = at::tensor({1, 0, 3, 1, 1, 2}, at::kInt), table = Leaf(Random({3, 7}));
    const at::Tensor dy = Random({6, 7});
    WordLookup(ids, words, table, MakeSegments({6})).backward(dy);
    const at::Tensor gradient = table.grad();
    ASSERT_TRUE(gradient.is_sparse());
    EXPECT_TRUE(SameBits(gradient._indices(), at::tensor({0, 2}, at::kLong).view({1, 2})));
    EXPECT_TRUE(SameBits(gradient._values(), at::stack({dy[2], dy[0] + dy[3] + dy[4]})));
    EXPECT_EQ(gradient.size(0), 3);
  });
}

TEST(WordLookupTest, IndicesOutsideAreABug) {
  WordRows words = FiveWords();
  const at::Tensor table = Random({3, 7});
  const Segments segments = MakeSegments({1});
  EXPECT_THROW(WordLookup(at::tensor({5}, at::kInt), words, table, segments), c10::Error);
  EXPECT_THROW(WordLookup(at::tensor({-1}, at::kInt), words, table, segments), c10::Error);
  words.table_rows = at::tensor({3, 0, 0, 0, 0}, at::kInt);
  EXPECT_THROW(WordLookup(at::tensor({0}, at::kInt), words, table, segments), c10::Error);
}

}  // namespace
}  // namespace graft
