// Weights that others published, where the data folder is there. The sums are those of
// tests/golden/generate_weight_sums.py.
#include <libdeflate.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::EndsWith;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

class WeightDataTest : public ::testing::Test {
 protected:
  // GRAFT_DATA, or ../shared/data beside the checkout.
  void SetUp() override {
    const char* named = std::getenv("GRAFT_DATA");
    const std::string data =
        named != nullptr ? named : std::string(GRAFT_SOURCE_DIR) + "/../shared/data";
    fixtures_ = data + "/weights-fixtures";
    if (!IsFolder(fixtures_)) GTEST_SKIP() << "no " << fixtures_;
  }

  // CRC-32 over the floating-point tensors as float32, by name.
  uint32_t SumOf(const WeightFiles& weights) {
    std::string bytes;
    for (const TensorInfo& tensor : weights.tensors()) {
      if (!IsFloatingPoint(tensor.dtype)) continue;
      std::vector<float> floats(static_cast<size_t>(tensor.elements()));
      EXPECT_THAT(weights.ReadAsFloat(tensor, absl::MakeSpan(floats)), IsOk()) << tensor.name;
      bytes.append(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
    }
    return testing::Crc32(bytes);
  }

  std::string fixtures_;
};

// The contents of a gzip file of less than a megabyte.
std::string Unzipped(const std::string& bytes) {
  std::string contents(1'000'000, '\0');
  size_t size = 0;
  libdeflate_decompressor* decompressor = ::libdeflate_alloc_decompressor();
  const libdeflate_result result = ::libdeflate_gzip_decompress(
      decompressor, bytes.data(), bytes.size(), contents.data(), contents.size(), &size);
  ::libdeflate_free_decompressor(decompressor);
  EXPECT_EQ(result, LIBDEFLATE_SUCCESS);
  return contents.substr(0, size);
}

// A file of a tar archive: its name stands at the front of a block of 512 bytes, its size in octal
// digits at byte 124, its contents behind the block.
std::string FileOfTar(const std::string& archive, std::string_view name) {
  constexpr size_t kBlock = 512, kSizeAt = 124;
  for (size_t at = 0; at + kBlock <= archive.size() && archive[at] != '\0';) {
    const size_t size = std::strtoul(&archive[at + kSizeAt], nullptr, 8);
    std::string_view found(&archive[at]);
    if (found.substr(0, 2) == "./") found.remove_prefix(2);
    if (found == name) return archive.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
  }
  ADD_FAILURE() << "no " << name;
  return "";
}

TEST_F(WeightDataTest, ASafetensorsFileLoads) {
  const auto weights = WeightFiles::OpenFolder(fixtures_ + "/tiny-bert");
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->format(), WeightFormat::kSafetensors);
  EXPECT_FALSE(weights->written_by_graft());
  EXPECT_EQ(weights->tensors().size(), 37);
  EXPECT_EQ(SumOf(*weights), 0xFBA6B15B);
}

TEST_F(WeightDataTest, AZipArchiveOfPyTorchLoads) {
  const auto weights = WeightFiles::OpenFolder(fixtures_ + "/ner-bert-bin");
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->format(), WeightFormat::kPyTorch);
  EXPECT_EQ(weights->tensors().size(), 24);
  const TensorInfo* ids = weights->Find("bert.embeddings.position_ids");
  ASSERT_NE(ids, nullptr);
  EXPECT_EQ(ids->dtype, DType::kI64);
  EXPECT_EQ(SumOf(*weights), 0xFBE3AC90);
}

TEST_F(WeightDataTest, ALegacyFileLoadsOnceItsArchiveIsUnpacked) {
  const std::string archive = fixtures_ + "/legacy-pickle/bert_test_fixture.tar.gz";
  EXPECT_THAT(WeightFiles::Open(archive),
              StatusIs(absl::StatusCode::kDataLoss,
                       EndsWith("byte 0: expected weights, found a gzip archive: unpack it")));
  EXPECT_THAT(WeightFiles::OpenFolder(fixtures_ + "/legacy-pickle"),
              StatusIs(absl::StatusCode::kNotFound));
  const TemporaryFolder folder;
  folder.Write("pytorch_model.bin",
               FileOfTar(Unzipped(TemporaryFolder::Read(archive)), "pytorch_model.bin"));
  const auto weights = WeightFiles::OpenFolder(folder.path());
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->format(), WeightFormat::kPyTorchLegacy);
  EXPECT_EQ(weights->tensors().size(), 47);
  EXPECT_EQ(SumOf(*weights), 0x8D5FC2EF);
}

TEST_F(WeightDataTest, ATensorFlowCheckpointLoads) {
  const auto weights = WeightFiles::OpenFolder(fixtures_ + "/tf-checkpoint");
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->format(), WeightFormat::kTensorFlow);
  EXPECT_EQ(weights->tensors().size(), 46);
  EXPECT_EQ(weights->others().size(), 93);  // adam_m, adam_v, global_step
  EXPECT_EQ(SumOf(*weights), 0x57143F6B);
}

}  // namespace
}  // namespace graft
