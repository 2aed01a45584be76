#include "models/kernels/product.h"

#include <ATen/ops/mm.h>

#include "base/code_path.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

// A matrix of the given sizes that lies in memory by rows, by columns, or neither way.
at::Tensor Stored(int64_t rows, int64_t columns, int way) {
  if (way == 0) return Random({rows, columns});
  if (way == 1) return Random({columns, rows}).t();
  return Random({rows, 2 * columns}).slice(1, 0, 2 * columns, 2);
}

TEST(MatrixProductTest, EqualsLibTorchInDoubleForAllShapesAndLayouts) {
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    for (int64_t rows : {1, 3, 8, 9, 47, 49, 130}) {
      for (int64_t depth : {1, 5, 16, 300}) {
        for (int64_t columns : {1, 15, 16, 33, 48, 50, 200}) {
          for (int way = 0; way < 9; ++way) {
            const at::Tensor a = Stored(rows, depth, way % 3), b = Stored(depth, columns, way / 3);
            const at::Tensor expected = at::mm(a.to(at::kDouble), b.to(at::kDouble));
            ASSERT_LT(MaxDifference(MatrixProduct(a, b), expected), 1e-4)
                << rows << " x " << depth << " x " << columns << ", stored " << way;
          }
        }
      }
    }
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST(MatrixProductTest, EmptyMatricesGiveEmptyOrZeroResults) {
  EXPECT_EQ(MatrixProduct(Random({0, 4}), Random({4, 3})).sizes(), at::IntArrayRef({0, 3}));
  EXPECT_EQ(MatrixProduct(Random({2, 4}), Random({4, 0})).sizes(), at::IntArrayRef({2, 0}));
  EXPECT_EQ(MatrixProduct(Random({2, 0}), Random({0, 3})).abs().sum().item<float>(), 0);
}

// A result is a sum in a fixed order over the depth: neither its place nor the number of rows and
// columns beside it, which choose between two ways to pack, change its bits.
TEST(MatrixProductTest, AResultHasTheSameBitsInEveryShape) {
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    const at::Tensor a = Random({120, 300}), b = Random({120, 300}).t();
    const at::Tensor whole = MatrixProduct(a, b);
    WithThreads([&] {
      for (int64_t rows : {1, 5, 16, 47, 48, 49, 100}) {
        for (int64_t columns : {1, 7, 33, 48, 97, 120}) {
          for (int64_t first : {0, 13}) {
            ASSERT_TRUE(SameBits(MatrixProduct(a.narrow(0, first, rows), b.narrow(1, 0, columns)),
                                 whole.narrow(0, first, rows).narrow(1, 0, columns).contiguous()))
                << rows << " rows from " << first << ", " << columns << " columns";
          }
        }
      }
    });
    EXPECT_TRUE(SameBits(MatrixProduct(a, b.contiguous()), whole));
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST(MatrixProductTest, SizesThatDoNotFitAreABug) {
  EXPECT_THROW(MatrixProduct(Random({2, 3}), Random({4, 2})), c10::Error);
  EXPECT_THROW(MatrixProduct(Random({2, 3}).to(at::kDouble), Random({3, 2})), c10::Error);
}

}  // namespace
}  // namespace graft
