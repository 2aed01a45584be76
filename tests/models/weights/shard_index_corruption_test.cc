// Systematic damage of an index of shards: every truncation, every bit of the first 512 bytes, edge
// values in place of every aligned integer and of every number. What is accepted is the weights.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/sample_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::kSampleFloats;
using testing::kSampleHalves;
using testing::SpanOf;
using testing::TemporaryFolder;

class ShardIndexCorruptionTest : public ::testing::Test {
 protected:
  ShardIndexCorruptionTest() {
    const auto write = [&](const char* name, const std::vector<TensorToWrite>& tensors) {
      EXPECT_THAT(WriteSafetensors(folder_ / name, tensors, {}), IsOk());
    };
    write("model-00001-of-00002.safetensors",
          {{"encoder.weight", DType::kF32, {2, 3}, SpanOf(kSampleFloats)},
           {"encoder.bias", DType::kF16, {3}, SpanOf(kSampleHalves)}});
    write("model-00002-of-00002.safetensors",
          {{"head.weight", DType::kF32, {6}, SpanOf(kSampleFloats)}});
  }

  // True when the index is accepted.
  bool Load(const std::string& index) {
    const std::string path = folder_.Write("model.safetensors.index.json", index);
    const auto weights = WeightFiles::Open(path);
    if (!weights.ok()) {
      // The index, or the file that it names.
      EXPECT_TRUE(absl::StartsWith(weights.status().message(), folder_.path() + "/"))
          << weights.status();
      EXPECT_THAT(std::string(weights.status().message()), HasSubstr("expected "));
      EXPECT_THAT(weights.status().code(),
                  AnyOf(absl::StatusCode::kDataLoss, absl::StatusCode::kNotFound));
      return false;
    }
    for (const TensorInfo& tensor : weights->tensors()) {
      std::string bytes(tensor.bytes(), '\0');
      EXPECT_THAT(weights->ReadBytes(tensor, absl::MakeSpan(bytes)), IsOk());
      EXPECT_EQ(bytes, tensor.name == "encoder.bias" ? kSampleHalves : kSampleFloats);
    }
    return true;
  }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
  // As transformers writes it.
  const std::string seed_ = R"({
  "metadata": {
    "total_parameters": 15,
    "total_size": 54
  },
  "weight_map": {
    "encoder.bias": "model-00001-of-00002.safetensors",
    "encoder.weight": "model-00001-of-00002.safetensors",
    "head.weight": "model-00002-of-00002.safetensors"
  }
})";
};

TEST_F(ShardIndexCorruptionTest, TheSeedLoads) { EXPECT_TRUE(Load(seed_)); }

TEST_F(ShardIndexCorruptionTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < seed_.size(); ++size) {
    EXPECT_FALSE(Load(seed_.substr(0, size))) << size;
  }
}

TEST_F(ShardIndexCorruptionTest, EveryFlippedBitIsRefusedOrLoadsTheSame) {
  int accepted = 0, refused = 0;
  for (size_t bit = 0; bit < std::min<size_t>(seed_.size(), 512) * 8; ++bit) {
    std::string damaged = seed_;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    (Load(damaged) ? accepted : refused) += 1;
  }
  EXPECT_GT(accepted, 0);  // letters of the metadata
  EXPECT_GT(refused, 1000);
}

TEST_F(ShardIndexCorruptionTest, EveryEdgeValueIsRefusedOrLoadsTheSame) {
  constexpr uint64_t kEdges[] = {0,          1,          UINT64_MAX,         0x7FFFFFFF,
                                 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000};
  for (const size_t width : {1, 2, 4, 8}) {
    for (size_t at = 0; at + width <= seed_.size(); at += width) {
      for (const uint64_t edge : kEdges) {
        std::string damaged = seed_;
        std::memcpy(damaged.data() + at, &edge, width);
        EXPECT_FALSE(Load(damaged)) << at;
      }
    }
  }
}

// Numbers of the metadata, which nobody reads, and of the names.
TEST_F(ShardIndexCorruptionTest, EveryEdgeNumberIsRefusedOrLoadsTheSame) {
  const auto digit = [&](size_t i) {
    return i < seed_.size() && absl::ascii_isdigit(static_cast<unsigned char>(seed_[i]));
  };
  int accepted = 0, refused = 0;
  for (size_t at = 0, end = 0; at < seed_.size(); at = std::max(at + 1, end)) {
    for (end = at; digit(end);) ++end;
    if (end == at) continue;
    for (const char* edge :
         {"0", "-1", "2147483647", "2147483648", "4294967295", "9223372036854775807",
          "9223372036854775808", "18446744073709551616", "1e999", "null", "\"1\"", "[]", "../"}) {
      (Load(seed_.substr(0, at) + edge + seed_.substr(end)) ? accepted : refused) += 1;
    }
  }
  EXPECT_GT(accepted, 10);
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace graft
