// Systematic damage: every truncation, every bit of the index, edge values in place of every
// aligned integer; once as it is, and once with the sums made right again, without which nothing
// gets past them. A reader may refuse or accept, but not crash, and what it accepts must hold
// together.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/models/weights/tensorflow_checkpoint_files.h"
#include "tests/models/weights/weight_table_checks.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::CheckpointBytes;
using graft::testing::CheckpointFiles;
using graft::testing::FaultOf;
using graft::testing::SumRepair;

// Three data blocks, two shards, shared prefixes, restarts.
CheckpointBytes Seed() {
  CheckpointBytes seed(2);
  seed.Add("bert/encoder/layer_0/output/dense/kernel", 1, {4, 8}, std::string(128, 'k'));
  seed.Add("bert/encoder/layer_0/output/dense/bias", 1, {8}, std::string(32, 'b'), 1);
  seed.Add("bert/encoder/layer_0/output/LayerNorm/gamma", 19, {8}, std::string(16, 'g'), 1);
  seed.Add("bert/embeddings/word_embeddings", 14, {3, 2}, std::string(12, 'w'));
  seed.Add("bert/embeddings/word_embeddings/adam_m", 14, {3, 2}, std::string(12, 'w'));
  seed.Add("global_step", 9, {}, std::string(8, 's'));
  seed.Add("none", 1, {3, 0}, "");
  seed.Add("text", 7, {}, "some text", 1);
  return seed;
}

class TensorFlowCorruptionTest : public ::testing::TestWithParam<bool> {
 protected:
  // True when the index is accepted.
  bool Load(std::string index) {
    if (GetParam()) SumRepair(index).Run();
    auto table = files_.Read(index);
    if (!table.ok()) {
      EXPECT_EQ(table.status().code(), absl::StatusCode::kDataLoss) << table.status();
      EXPECT_TRUE(
          absl::StartsWith(table.status().message(), absl::StrCat(files_.index_path(), ": byte ")))
          << table.status();
      return false;
    }
    EXPECT_EQ(FaultOf(*table, files_.data()), "");
    const auto translated = TranslateBertNames(files_.index_path(), *table);
    if (translated.ok()) {
      EXPECT_EQ(FaultOf(*table, files_.data()), "");
    } else {
      EXPECT_EQ(translated.code(), absl::StatusCode::kInvalidArgument);
    }
    return true;
  }

  const CheckpointBytes seed_{Seed()};
  const CheckpointFiles files_{seed_.shards};
  const std::string index_ = seed_.Index({.block_bytes = 160, .restart_interval = 2});
};

INSTANTIATE_TEST_SUITE_P(Sums, TensorFlowCorruptionTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Repaired" : "Left"; });

TEST_P(TensorFlowCorruptionTest, TheSeedLoads) { EXPECT_TRUE(Load(index_)); }

TEST_P(TensorFlowCorruptionTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < index_.size(); ++size) {
    EXPECT_FALSE(Load(index_.substr(0, size))) << size;
  }
}

TEST_P(TensorFlowCorruptionTest, EveryFlippedBitIsRefusedOrHoldsTogether) {
  int accepted = 0, refused = 0;
  for (size_t bit = 0; bit < index_.size() * 8; ++bit) {
    std::string damaged = index_;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    (Load(damaged) ? accepted : refused) += 1;
  }
  EXPECT_GT(refused, 1000);
  if (GetParam()) {
    EXPECT_GT(accepted, 1000);  // letters of names, sums of tensors and of blocks
  } else {
    // Only the footer has no sum, and nothing reads what is behind its handles.
    EXPECT_LE(accepted, 40 * 8);
  }
}

TEST_P(TensorFlowCorruptionTest, EveryEdgeValueIsRefusedOrHoldsTogether) {
  constexpr uint64_t kEdges[] = {0,          1,          UINT64_MAX,         0x7FFFFFFF,
                                 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000};
  for (const size_t width : {1, 2, 4, 8}) {
    for (size_t at = 0; at + width <= index_.size(); at += width) {
      for (const uint64_t edge : kEdges) {
        std::string damaged = index_;
        std::memcpy(damaged.data() + at, &edge, width);
        Load(damaged);
      }
    }
  }
}

// The numbers of this format are varints: each byte also as the begin of a long one.
TEST_P(TensorFlowCorruptionTest, EveryLongVarintIsRefusedOrHoldsTogether) {
  for (size_t at = 0; at + 10 <= index_.size(); ++at) {
    for (const char last : {'\0', '\1', '\x7F'}) {
      for (size_t bytes = 2; bytes <= 10; ++bytes) {
        std::string damaged = index_;
        std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(at), bytes - 1, '\xFF');
        damaged[at + bytes - 1] = last;
        Load(damaged);
      }
    }
  }
}

TEST_P(TensorFlowCorruptionTest, EveryTruncationOfTheDataIsRefused) {
  for (const size_t shard : {0, 1}) {
    for (size_t size = 0; size < seed_.shards[shard].size(); ++size) {
      std::vector<std::string> cut = seed_.shards;
      cut[shard].resize(size);
      const CheckpointFiles files(cut);
      EXPECT_EQ(files.Read(index_).status().code(), absl::StatusCode::kDataLoss) << size;
    }
  }
}

}  // namespace
}  // namespace graft
