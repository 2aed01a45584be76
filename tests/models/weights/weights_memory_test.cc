// What opening and reading weight files allocates, whole and damaged ones: never more than the
// file, its tensors as float32, and a constant.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace {

std::atomic<int64_t> now{0}, peak{0};

[[maybe_unused]] void Count(void* memory, int64_t sign) {
  const int64_t after = now += sign * static_cast<int64_t>(::malloc_usable_size(memory));
  if (after > peak.load()) peak = after;
}

}  // namespace

// Sanitizers bring functions of their own.
#if defined(__SANITIZE_ADDRESS__)
#define GRAFT_COUNTS_MEMORY 0
#elif defined(__has_feature)
#define GRAFT_COUNTS_MEMORY !__has_feature(address_sanitizer)
#else
#define GRAFT_COUNTS_MEMORY 1
#endif

#if GRAFT_COUNTS_MEMORY
// Not inlined, or the compiler takes the two for strangers.
__attribute__((noinline)) void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  Count(memory, 1);
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept {
  Count(memory, -1);
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
#endif

namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::TemporaryFolder;
namespace pickle = graft::testing::pickle;

constexpr int64_t kConstant = int64_t{2} << 20;

class WeightsMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!GRAFT_COUNTS_MEMORY) GTEST_SKIP() << "a sanitizer counts memory in its own way";
  }

  // Opens the file and reads everything; the bytes that this took above those before it.
  int64_t PeakOf(const std::string& path, int64_t& as_float) {
    const int64_t before = now;
    peak = before;
    as_float = 0;
    const auto weights = WeightFiles::Open(path);
    if (!weights.ok()) return peak - before;
    for (const TensorInfo& tensor : weights->tensors()) {
      std::string bytes(tensor.bytes(), '\0');
      weights->ReadBytes(tensor, absl::MakeSpan(bytes)).IgnoreError();
      std::vector<float> floats(static_cast<size_t>(tensor.elements()));
      weights->ReadAsFloat(tensor, absl::MakeSpan(floats)).IgnoreError();
      as_float += tensor.elements() * static_cast<int64_t>(sizeof(float));
    }
    return peak - before;
  }

  void Check(const std::string& path, size_t file_bytes, const std::string& what) {
    int64_t as_float = 0;
    const int64_t taken = PeakOf(path, as_float);
    ASSERT_LE(taken, static_cast<int64_t>(file_bytes) + as_float + kConstant) << what;
  }

  // The seed, every cut, and edge values in place of every aligned integer.
  void Sweep(const std::string& name, const std::string& seed) {
    const auto load = [&](const std::string& bytes, const std::string& what) {
      Check(folder_.Write(name, bytes), bytes.size(), what);
    };
    load(seed, "the seed");
    for (size_t size = 0; size < seed.size(); size += 3) {
      load(seed.substr(0, size), absl::StrCat("cut at ", size));
    }
    for (const size_t width : {1, 2, 4, 8}) {
      for (size_t at = 0; at + width <= seed.size(); at += width) {
        for (const uint64_t edge : {uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFF}, uint64_t{INT64_MAX},
                                    UINT64_MAX, uint64_t{1} << 40}) {
          std::string damaged = seed;
          std::memcpy(damaged.data() + at, &edge, width);
          load(damaged, absl::StrCat(width, " bytes at ", at, ": ", edge));
        }
      }
    }
  }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
};

TEST_F(WeightsMemoryTest, OfSafetensors) {
  const std::string data(128, '\x3F');
  const absl::Span<const char> bytes(data.data(), data.size());
  ASSERT_THAT(WriteSafetensors(folder_ / "seed",
                               {{"weight", DType::kF32, {4, 8}, bytes},
                                {"bias", DType::kF16, {3}, bytes.subspan(0, 6)},
                                {"none", DType::kBF16, {0, 5}, {}}},
                               {}),
              IsOk());
  Sweep("weights", TemporaryFolder::Read(folder_ / "seed"));
}

TEST_F(WeightsMemoryTest, OfZipArchives) {
  const std::string floats = pickle::Storage("FloatStorage", "0", 6);
  Sweep("weights",
        testing::TorchZip(
            pickle::OrderedDict({pickle::Text("m"), pickle::Tensor(floats, 0, {2, 3}, {3, 1}),
                                 pickle::Text("t"), pickle::Tensor(floats, 0, {3, 2}, {1, 3})}),
            {std::string(24, '\x3F')}));
}

TEST_F(WeightsMemoryTest, OfLegacyFiles) {
  const std::string floats = pickle::LegacyStorage("FloatStorage", "0", 6);
  Sweep("weights",
        testing::TorchLegacy(
            pickle::OrderedDict({pickle::Text("m"), pickle::Tensor(floats, 0, {2, 3}, {3, 1}),
                                 pickle::Text("t"), pickle::Tensor(floats, 0, {3, 2}, {1, 3})}),
            {{"0", 6, std::string(24, '\x3F')}})
            .Bytes());
}

TEST_F(WeightsMemoryTest, OfTensorFlowCheckpoints) {
  testing::CheckpointBytes checkpoint;
  checkpoint.Add("bert/pooler/dense/kernel", 1, {2, 2}, std::string(16, '\x3F'));
  for (size_t i = 0; i < checkpoint.shards.size(); ++i) {
    folder_.Write(absl::StrCat("m.data-0000", i, "-of-0000", checkpoint.shards.size()),
                  checkpoint.shards[i]);
  }
  Sweep("m.index", checkpoint.Index());
}

// A pickle whose opcodes of one byte each make a value: the cost is bounded, however long it is.
TEST_F(WeightsMemoryTest, OfPicklesThatMakeManyValues) {
  constexpr int64_t kMost = int64_t{300} << 20;
  for (const char opcode : {'N', ')', '}', ']', '('}) {
    const std::string many(5'000'000, opcode);
    const std::string path = folder_.Write("weights", testing::TorchZip("}" + many, {}));
    int64_t as_float = 0;
    EXPECT_LE(PeakOf(path, as_float), kMost) << opcode;
    EXPECT_FALSE(WeightFiles::Open(path).ok());
  }
}

// The second copy that a reader of pickles would hold is not there.
TEST_F(WeightsMemoryTest, LargeTensorsAreHeldOnce) {
  constexpr int64_t kCount = 4'000'000;
  const std::string data(kCount * sizeof(float), '\x3F');
  const auto write = [&](const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    return folder_.Write(
        "weights",
        testing::TorchZip(pickle::Dict({pickle::Text("m"),
                                        pickle::Tensor(pickle::Storage("FloatStorage", "0", kCount),
                                                       0, shape, strides)}),
                          {data}));
  };
  for (const auto& path : {write({2000, 2000}, {2000, 1}), write({2000, 2000}, {1, 2000})}) {
    const auto weights = WeightFiles::Open(path);
    ASSERT_THAT(weights, IsOk());
    std::vector<float> floats(kCount);
    const int64_t before = now;
    peak = before;
    ASSERT_THAT(weights->ReadAsFloat(weights->tensors()[0], absl::MakeSpan(floats)), IsOk());
    EXPECT_LE(peak - before, kConstant);
  }
}

}  // namespace
}  // namespace graft
