#include "models/weights/strided_read.h"

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::TemporaryFolder;

class StridedReadTest : public ::testing::Test {
 protected:
  // The file holds 0, 1, 2, ... as 16-bit numbers, behind one byte.
  StridedReadTest() : numbers_(300'000) {
    std::iota(numbers_.begin(), numbers_.end(), uint16_t{0});
    std::string bytes(1, 'x');
    bytes.append(reinterpret_cast<const char*>(numbers_.data()), numbers_.size() * 2);
    file_ = std::make_unique<InputFile>(*InputFile::Open(folder_.Write("numbers", bytes)));
  }

  static TensorInfo Tensor(std::vector<int64_t> shape, std::vector<int64_t> strides,
                           uint64_t first = 0) {
    TensorInfo tensor{.name = "t", .dtype = DType::kI16, .shape = std::move(shape)};
    tensor.strides = std::move(strides);
    uint64_t last = first;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      last += static_cast<uint64_t>((tensor.shape[i] - 1) * tensor.strides[i]);
    }
    tensor.begin = 1 + 2 * first;
    tensor.end = tensor.elements() == 0 ? tensor.begin : 1 + 2 * (last + 1);
    return tensor;
  }

  std::vector<uint16_t> Read(const TensorInfo& tensor) {
    std::vector<uint16_t> out(static_cast<size_t>(tensor.elements()));
    EXPECT_THAT(ReadStrided(*file_, tensor,
                            absl::MakeSpan(reinterpret_cast<char*>(out.data()), tensor.bytes())),
                IsOk());
    return out;
  }

  TemporaryFolder folder_;
  std::vector<uint16_t> numbers_;
  std::unique_ptr<InputFile> file_;
};

TEST_F(StridedReadTest, GivesRows) {
  EXPECT_THAT(Read(Tensor({2, 3}, {1, 2})), ElementsAre(0, 2, 4, 1, 3, 5));  // transposed
  EXPECT_THAT(Read(Tensor({2, 2}, {10, 1}, 5)), ElementsAre(5, 6, 15, 16));  // columns
  EXPECT_THAT(Read(Tensor({3}, {100})), ElementsAre(0, 100, 200));
  EXPECT_THAT(Read(Tensor({2, 1, 2}, {1, 7, 4})), ElementsAre(0, 4, 1, 5));
  EXPECT_THAT(Read(Tensor({}, {}, 9)), ElementsAre(9));
  EXPECT_THAT(Read(Tensor({0, 3}, {3, 1})), ElementsAre());
}

TEST_F(StridedReadTest, ReadsTensorsThatAreLargerThanItsWindow) {
  const std::vector<uint16_t> transposed = Read(Tensor({500, 600}, {1, 500}));
  for (size_t row = 0; row < 500; ++row) {
    for (size_t column = 0; column < 600; ++column) {
      ASSERT_EQ(transposed[row * 600 + column], static_cast<uint16_t>(column * 500 + row));
    }
  }
  EXPECT_THAT(Read(Tensor({2}, {299'999})), ElementsAre(0, static_cast<uint16_t>(299'999)));
}

TEST_F(StridedReadTest, KnowsSharedPlaces) {
  EXPECT_TRUE(StridesAreDisjoint(Tensor({2, 3}, {1, 2})));
  EXPECT_TRUE(StridesAreDisjoint(Tensor({4, 1}, {1, 0})));
  EXPECT_TRUE(StridesAreDisjoint(Tensor({}, {})));
  EXPECT_FALSE(StridesAreDisjoint(Tensor({2, 3}, {0, 1})));  // expanded
  EXPECT_FALSE(StridesAreDisjoint(Tensor({2, 3}, {1, 1})));  // windows
  EXPECT_FALSE(StridesAreDisjoint(Tensor({2, 3}, {2, 1})));
  // 2^63 bytes between two of four entries.
  EXPECT_FALSE(StridesAreDisjoint(
      {.name = "t", .dtype = DType::kI16, .shape = {4}, .strides = {int64_t{1} << 62}}));
}

}  // namespace
}  // namespace graft
