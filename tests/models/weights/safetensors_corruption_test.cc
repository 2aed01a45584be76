// Systematic damage: every truncation, every bit of the first 512 bytes, edge values in place of
// every aligned integer. A reader may refuse or accept, but not crash, and what it accepts must
// hold together.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::TemporaryFolder;

class SafetensorsCorruptionTest : public ::testing::Test {
 protected:
  SafetensorsCorruptionTest() {
    const std::string data(128, '\x3F');
    const absl::Span<const char> bytes(data.data(), data.size());
    EXPECT_THAT(WriteSafetensors(folder_ / "seed",
                                 {{"encoder.weight", DType::kF32, {4, 8}, bytes},
                                  {"encoder.bias", DType::kF16, {3}, bytes.subspan(0, 6)},
                                  {"ids", DType::kI64, {2}, bytes.subspan(0, 16)},
                                  {"none", DType::kBF16, {0, 5}, {}},
                                  {"flag", DType::kBool, {}, bytes.subspan(0, 1)}},
                                 {{"note", "seed"}}),
                IsOk());
    seed_ = TemporaryFolder::Read(folder_ / "seed");
  }

  // True when the bytes are accepted.
  bool Load(const std::string& bytes) {
    const std::string path = folder_.Write("damaged", bytes);
    const auto file = WeightFiles::Open(path);
    if (!file.ok()) {
      EXPECT_EQ(file.status().code(), absl::StatusCode::kDataLoss) << file.status();
      EXPECT_TRUE(absl::StartsWith(file.status().message(), absl::StrCat(path, ": ")));
      return false;
    }
    CheckConsistent(*file, bytes);
    return true;
  }

  // Every tensor lies in the file; saved again by the writer it reads back equal.
  void CheckConsistent(const WeightFiles& file, const std::string& bytes) {
    std::vector<TensorToWrite> tensors;
    uint64_t total = 0;
    for (const TensorInfo& info : file.tensors()) {
      ASSERT_LE(info.begin, info.end);
      ASSERT_LE(info.end, bytes.size());
      total += info.end - info.begin;
      tensors.push_back({info.name, info.dtype, info.shape,
                         absl::MakeConstSpan(bytes.data() + info.begin, info.end - info.begin)});
      std::vector<float> floats(static_cast<size_t>(info.elements()));
      file.ReadAsFloat(info, absl::MakeSpan(floats)).IgnoreError();
    }
    ASSERT_LE(total, bytes.size());
    ASSERT_THAT(WriteSafetensors(folder_ / "again", tensors, file.metadata()), IsOk());
    const auto again = WeightFiles::Open(folder_ / "again");
    ASSERT_THAT(again, IsOk());
    ASSERT_EQ(again->tensors().size(), tensors.size());
    for (const TensorToWrite& tensor : tensors) {
      const TensorInfo* info = again->Find(tensor.name);
      ASSERT_NE(info, nullptr);
      ASSERT_EQ(info->shape, tensor.shape);
      std::string back(tensor.bytes.size(), '\0');
      ASSERT_THAT(again->ReadBytes(*info, absl::MakeSpan(back)), IsOk());
      ASSERT_EQ(back, std::string(tensor.bytes.begin(), tensor.bytes.end()));
    }
  }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
  std::string seed_;
};

TEST_F(SafetensorsCorruptionTest, TheSeedLoads) { EXPECT_TRUE(Load(seed_)); }

TEST_F(SafetensorsCorruptionTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < seed_.size(); ++size) {
    EXPECT_FALSE(Load(seed_.substr(0, size))) << size;
  }
}

TEST_F(SafetensorsCorruptionTest, EveryFlippedBitIsRefusedOrHoldsTogether) {
  int accepted = 0, refused = 0;
  for (size_t bit = 0; bit < std::min<size_t>(seed_.size(), 512) * 8; ++bit) {
    std::string damaged = seed_;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    (Load(damaged) ? accepted : refused) += 1;
  }
  EXPECT_GT(accepted, 0);  // letters of names
  EXPECT_GT(refused, 1000);
}

TEST_F(SafetensorsCorruptionTest, EveryEdgeValueIsRefusedOrHoldsTogether) {
  constexpr uint64_t kEdges[] = {0,          1,          UINT64_MAX,         0x7FFFFFFF,
                                 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000};
  for (const size_t width : {1, 2, 4, 8}) {
    for (size_t at = 0; at + width <= seed_.size(); at += width) {
      for (const uint64_t edge : kEdges) {
        std::string damaged = seed_;
        std::memcpy(damaged.data() + at, &edge, width);
        Load(damaged);
      }
    }
  }
}

// The numbers of this format are text.
TEST_F(SafetensorsCorruptionTest, EveryEdgeNumberInTheHeaderIsRefusedOrHoldsTogether) {
  const std::string header = seed_.substr(8, seed_.find('\x3F') - 8);
  int tried = 0;
  for (size_t at = 0; at < header.size(); ++at) {
    const auto digit = [&](size_t i) {
      return i < header.size() && header[i] >= '0' && header[i] <= '9';
    };
    if (!digit(at) ||
        (at > 0 && (digit(at - 1) || header[at - 1] == 'F' || header[at - 1] == 'I'))) {
      continue;
    }
    size_t end = at;
    while (digit(end)) ++end;
    for (const char* edge : {"0", "1", "-1", "2147483647", "2147483648", "4294967295",
                             "9223372036854775807", "9223372036854775808", "18446744073709551615",
                             "18446744073709551616", "1e3", "0.5", "null", "\"1\"", "[]"}) {
      const std::string changed = header.substr(0, at) + edge + header.substr(end);
      std::string bytes(8, '\0');
      const uint64_t size = changed.size();
      std::memcpy(bytes.data(), &size, sizeof(size));
      Load(bytes + changed + seed_.substr(8 + header.size()));
      ++tried;
    }
  }
  EXPECT_GT(tried, 200);
}

}  // namespace
}  // namespace graft
