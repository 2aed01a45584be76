#include "models/kernels/embedding.h"

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

struct Inputs {
  at::Tensor ids = at::randint(50, {32}, at::kInt);
  at::Tensor positions = at::randint(20, {32}, at::kInt);
  at::Tensor type_ids = at::randint(2, {32}, at::kInt);
  at::Tensor word = Leaf(Random({50, 24}));
  at::Tensor position = Leaf(Random({20, 24}));
  at::Tensor type = Leaf(Random({2, 24}));
  Segments segments = MakeSegments({1, 20, 8});  // 29 tokens of 32 rows
};

TEST(EmbeddingSumTest, AddsTheRowsOfTheTables) {
  const Inputs in;
  const at::Tensor sum =
      EmbeddingSum(in.ids, in.positions, in.type_ids, in.word, in.position, in.type, in.segments);
  const at::Tensor expected = in.word.index_select(0, in.ids) +
                              in.position.index_select(0, in.positions) +
                              in.type.index_select(0, in.type_ids);
  EXPECT_TRUE(SameBits(sum.narrow(0, 0, 29), expected.narrow(0, 0, 29)));
  EXPECT_TRUE(at::isfinite(sum).all().item<bool>());
}

TEST(EmbeddingSumTest, UndefinedTablesAreLeftOut) {
  const Inputs in;
  const at::Tensor sum = EmbeddingSum(in.ids, {}, {}, in.word, {}, {}, in.segments);
  EXPECT_TRUE(SameBits(sum.narrow(0, 0, 29), in.word.index_select(0, in.ids).narrow(0, 0, 29)));
  sum.backward(at::ones_like(sum));
  EXPECT_NEAR(in.word.grad().sum().item<double>(), 29 * 24, 1e-3);
}

TEST(EmbeddingSumTest, GradientsEqualThoseOfLibTorchAndLeaveOutRowsOfNoText) {
  WithThreads([] {
    at::manual_seed(5);
    const Inputs in;
    const at::Tensor dy = Random({32, 24});
    EmbeddingSum(in.ids, in.positions, in.type_ids, in.word, in.position, in.type, in.segments)
        .backward(dy);
    const auto expected = [&](const at::Tensor& ids, int64_t rows) {
      return at::zeros({rows, 24}).index_add(0, ids.narrow(0, 0, 29), dy.narrow(0, 0, 29));
    };
    EXPECT_TRUE(SameBits(in.word.grad(), expected(in.ids, 50)));
    EXPECT_TRUE(SameBits(in.position.grad(), expected(in.positions, 20)));
    EXPECT_TRUE(SameBits(in.type.grad(), expected(in.type_ids, 2)));
  });
}

TEST(EmbeddingSumTest, AFrozenTableGetsNoGradient) {
  Inputs in;
  in.word = in.word.detach();
  EmbeddingSum(in.ids, in.positions, in.type_ids, in.word, in.position, in.type, in.segments)
      .backward(at::ones({32, 24}));
  EXPECT_FALSE(in.word.grad().defined());
  EXPECT_TRUE(in.position.grad().defined());
}

TEST(EmbeddingSumTest, AnIndexOutsideItsTableIsABug) {
  for (int bad : {-1, 50}) {
    Inputs in;
    in.ids[28] = bad;
    EXPECT_THROW(
        EmbeddingSum(in.ids, in.positions, in.type_ids, in.word, in.position, in.type, in.segments),
        c10::Error);
  }
}

TEST(EmbeddingSumTest, IndicesOfRowsOfNoTextAreNotRead) {
  Inputs in;
  in.ids[29] = 1 << 30;
  EXPECT_NO_THROW(
      EmbeddingSum(in.ids, in.positions, in.type_ids, in.word, in.position, in.type, in.segments));
}

}  // namespace
}  // namespace graft
