// Systematic damage of both formats: every truncation, every bit at the front and of the directory,
// edge values in place of every aligned integer. A reader may refuse or accept, but not crash, and
// what it accepts must lie in the file.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/pytorch_file.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::LegacyParts;
using graft::testing::TemporaryFolder;
using graft::testing::TorchLegacy;
using graft::testing::TorchRecords;
using graft::testing::ZipBytes;
using graft::testing::ZipRecord;
namespace pickle = graft::testing::pickle;

const std::string kSixFloats(24, '\x3F');
const std::string kFourHalves(8, '\x3C');

// Those that the machine reads.
constexpr std::string_view kOpcodes = "().GJKMNQRUX]abcehjqrstu}\x80\x85\x86\x87\x88\x89\x8A";

using MakeStorage = std::string (*)(std::string_view type, std::string_view key, int64_t elements);

std::string Legacy(std::string_view type, std::string_view key, int64_t elements) {
  return pickle::LegacyStorage(type, key, elements);
}

std::string State(MakeStorage storage) {
  const std::string floats = storage("FloatStorage", "0", 6);
  return pickle::OrderedDict({pickle::Text("w"), pickle::Tensor(floats, 0, {2, 3}, {3, 1}),
                              pickle::Text("t"), pickle::Tensor(floats, 1, {2, 2}, {1, 2}),
                              pickle::Text("h"),
                              pickle::Tensor(storage("HalfStorage", "1", 4), 1, {3}, {1}),
                              pickle::Text("step"), pickle::Int(1 << 20)}) +
         pickle::Dict({pickle::Text("_metadata"), pickle::EmptyOrderedDict()}) + "b";
}

std::string ZipSeed(const std::string& state, bool zip64) {
  std::vector<ZipRecord> records = TorchRecords(state, {kSixFloats, kFourHalves});
  for (ZipRecord& record : records) record.zip64 = zip64;
  return ZipBytes(records);
}

class PyTorchCorruptionTest : public ::testing::Test {
 protected:
  // True when the bytes are accepted.
  bool Load(const std::string& bytes, bool legacy) {
    const std::string path = folder_.Write("damaged", bytes);
    const auto file = InputFile::Open(path);
    EXPECT_TRUE(file.ok());
    const auto table = legacy ? ReadPyTorchLegacy(*file) : ReadPyTorchZip(*file);
    if (!table.ok()) {
      EXPECT_EQ(table.status().code(), absl::StatusCode::kDataLoss) << table.status();
      EXPECT_TRUE(absl::StartsWith(table.status().message(), absl::StrCat(path, ": ")))
          << table.status();
      EXPECT_THAT(std::string(table.status().message()), ::testing::HasSubstr("expected "));
      return false;
    }
    CheckConsistent(*table, bytes.size());
    return true;
  }

  void CheckConsistent(const WeightTable& table, uint64_t size) {
    for (const StoredBlock& block : table.blocks) {
      ASSERT_LE(block.begin, block.end);
      ASSERT_LE(block.end, size);
    }
    for (const TensorInfo& tensor : table.tensors) {
      ASSERT_LE(tensor.begin, tensor.end);
      ASSERT_LE(tensor.end, size);
      ASSERT_EQ((tensor.end - tensor.begin) % DTypeSize(tensor.dtype), 0);
      if (tensor.strides.empty()) {
        ASSERT_EQ(tensor.end - tensor.begin, tensor.bytes());
      } else {
        ASSERT_EQ(tensor.strides.size(), tensor.shape.size());
        int64_t last = 0;
        for (size_t i = 0; i < tensor.shape.size(); ++i) {
          last += (tensor.shape[i] - 1) * tensor.strides[i];
        }
        ASSERT_EQ(tensor.begin + static_cast<uint64_t>(last + 1) * DTypeSize(tensor.dtype),
                  tensor.end);
      }
      ASSERT_LT(tensor.block, static_cast<int>(table.blocks.size()));
      if (tensor.block < 0) continue;
      ASSERT_GE(tensor.begin, table.blocks[static_cast<size_t>(tensor.block)].begin);
      ASSERT_LE(tensor.end, table.blocks[static_cast<size_t>(tensor.block)].end);
    }
  }

  // How many of the damaged files are accepted.
  int FlipBits(const std::string& seed, size_t begin, size_t end, bool legacy) {
    int accepted = 0;
    for (size_t bit = begin * 8; bit < std::min(seed.size(), end) * 8; ++bit) {
      std::string damaged = seed;
      damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      accepted += Load(damaged, legacy) ? 1 : 0;
    }
    return accepted;
  }

  void TryEdges(const std::string& seed, bool legacy) {
    constexpr uint64_t kEdges[] = {0,          1,          UINT64_MAX,         0x7FFFFFFF,
                                   0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000};
    for (const size_t width : {1, 2, 4, 8}) {
      for (size_t at = 0; at + width <= seed.size(); at += width) {
        for (const uint64_t edge : kEdges) {
          std::string damaged = seed;
          std::memcpy(damaged.data() + at, &edge, width);
          if (damaged != seed) Load(damaged, legacy);
        }
      }
    }
  }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
  const std::string state_ = pickle::Whole(State(pickle::Storage));
  const std::string zip_ = ZipSeed(state_, false);
  const std::string zip64_ = ZipSeed(state_, true);
  const std::string legacy_ =
      TorchLegacy(State(Legacy), {{"1", 4, kFourHalves}, {"0", 6, kSixFloats}}).Bytes();
};

TEST_F(PyTorchCorruptionTest, TheSeedsLoad) {
  EXPECT_TRUE(Load(zip_, false));
  EXPECT_TRUE(Load(zip64_, false));
  EXPECT_TRUE(Load(legacy_, true));
}

TEST_F(PyTorchCorruptionTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < zip_.size(); ++size) {
    EXPECT_FALSE(Load(zip_.substr(0, size), false)) << size;
  }
  for (size_t size = 0; size < zip64_.size(); ++size) {
    EXPECT_FALSE(Load(zip64_.substr(0, size), false)) << size;
  }
  for (size_t size = 0; size < legacy_.size(); ++size) {
    EXPECT_FALSE(Load(legacy_.substr(0, size), true)) << size;
  }
}

// The front holds the first local header and the pickle with its sum. What may change there are
// the date, versions that nobody reads, and the padding.
TEST_F(PyTorchCorruptionTest, EveryFlippedBitOfAnArchiveIsRefusedOrHoldsTogether) {
  EXPECT_LT(FlipBits(zip_, 0, 512, false), 1000);
  for (const std::string& seed : {zip_, zip64_}) {
    FlipBits(seed, seed.find("PK\x01\x02"), seed.size(), false);
  }
}

TEST_F(PyTorchCorruptionTest, EveryFlippedBitOfALegacyFileIsRefusedOrHoldsTogether) {
  EXPECT_GT(FlipBits(legacy_, 0, legacy_.size(), true), 0);  // letters of names
}

TEST_F(PyTorchCorruptionTest, EveryEdgeValueIsRefusedOrHoldsTogether) {
  TryEdges(zip_, false);
  TryEdges(zip64_, false);
  TryEdges(legacy_, true);
}

// With a right sum, so that the machine sees it.
TEST_F(PyTorchCorruptionTest, EveryDamagedPickleIsRefusedOrHoldsTogether) {
  for (size_t size = 0; size < state_.size(); ++size) {
    EXPECT_FALSE(Load(ZipSeed(state_.substr(0, size), false), false)) << size;
  }
  for (size_t bit = 0; bit < state_.size() * 8; ++bit) {
    std::string damaged = state_;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    Load(ZipSeed(damaged, false), false);
  }
  for (size_t at = 0; at < state_.size(); ++at) {
    for (const char opcode : kOpcodes) {
      std::string damaged = state_;
      damaged[at] = opcode;
      Load(ZipSeed(damaged, false), false);
    }
  }
}

// An integer of the pickle by any other.
TEST_F(PyTorchCorruptionTest, EveryEdgeNumberInAPickleIsRefusedOrHoldsTogether) {
  int accepted = 0;
  for (size_t at = state_.find('K'); at != std::string::npos; at = state_.find('K', at + 1)) {
    for (const int64_t edge :
         {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{5}, int64_t{6}, int64_t{7}, int64_t{255},
          int64_t{-1}, int64_t{INT32_MAX}, int64_t{INT32_MIN}, int64_t{1} << 32, int64_t{1} << 61,
          (int64_t{1} << 62) + 1, INT64_MAX, INT64_MIN}) {
      const std::string damaged = state_.substr(0, at) + pickle::Int(edge) + state_.substr(at + 2);
      accepted += Load(ZipSeed(damaged, false), false) ? 1 : 0;
    }
  }
  EXPECT_GT(accepted, 10);
}

}  // namespace
}  // namespace graft
