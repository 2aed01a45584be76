// What opening and reading weight files allocates, whole and damaged ones: never more than the
// file, its tensors as float32, and a constant.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/safetensors_bytes.h"
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

// Lists of JSON cost more than their bytes: what is refused takes less than 256 MiB and two
// seconds, however large the file is.
class WeightsJsonMemoryTest : public WeightsMemoryTest {
 protected:
  // `piece` until a text has `size` bytes.
  static std::string Fill(std::string text, std::string_view piece, size_t size) {
    text.reserve(size + 64);
    while (text.size() + piece.size() <= size) text += piece;
    return text;
  }
  // With "0", "1" and so on for '#'.
  static std::string FillNumbered(std::string text, std::string_view piece, size_t size) {
    text.reserve(size + 64);
    for (size_t i = 0; text.size() + piece.size() + 8 <= size; ++i) {
      absl::StrAppend(&text, absl::StrReplaceAll(piece, {{"#", absl::StrCat(i)}}));
    }
    return text;
  }

  void Refuse(const std::string& name, const std::string& bytes, const std::string& what) {
    const std::string path = folder_.Write(name, bytes);
    const int64_t before = now;
    peak = before;
    const std::clock_t start = std::clock();
    EXPECT_FALSE(WeightFiles::Open(path).ok()) << what;
    EXPECT_LE(peak - before, int64_t{256} << 20) << what;
    EXPECT_LE(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 2) << what;
  }

  // The lists, as they are read whole and in headers that are too long.
  std::vector<std::pair<std::string, std::string>> Lists(size_t size) {
    const std::string entry = R"({"a":{"dtype":"U8","data_offsets":[0,0],)";
    return {{"a long shape", Fill(entry + R"("shape":[0)", ",0", size) + "]}}"},
            {"a long shape of nothing", Fill(entry + R"("shape":[[])", ",[]", size) + "]}}"},
            {"an unknown key", Fill(entry + R"("shape":[0],"x":[{})", ",{}", size) + "]}}"},
            {"metadata", FillNumbered(R"({"__metadata__":{"":"")", R"(,"#":"")", size) + "}}"},
            {"many entries", FillNumbered(R"({"":0)", R"(,"#":0)", size) + "}"},
            {"a long name", Fill(R"({")", "nnnnnnnn", size) + R"(":0})"},
            {"huge integers", Fill("[1", ",99999999999999999999", size) + "]"},
            {"a digit without end", Fill("[1", "11111111", size) + "]"},
            {"a mistake at the end", Fill("[0", ",0", size) + "}"},
            {"ill-formed UTF-8 at the end", Fill("[0", ",0", size) + ",\"\xFF\"]"},
            {"deep lists", Fill("", "[", size)}};
  }
};

TEST_F(WeightsJsonMemoryTest, OfHeaders) {
  for (const size_t size : {size_t{15'999'000}, size_t{98'000'000}}) {
    for (const auto& [what, header] : Lists(size)) {
      Refuse("m.safetensors", testing::SafetensorsBytes(header), what);
    }
  }
}

TEST_F(WeightsJsonMemoryTest, OfIndexes) {
  for (const size_t size : {size_t{15'999'000}, size_t{98'000'000}}) {
    for (const auto& [what, text] : Lists(size)) Refuse("m.index.json", text, what);
    Refuse("m.index.json", FillNumbered(R"({"weight_map":{"":"f")", R"(,"#":"f")", size) + "}}",
           "many tensors");
    Refuse("m.index.json", FillNumbered(R"({"weight_map":{"":"f")", R"(,"#":"#")", size) + "}}",
           "many files");
  }
}

// What is still read: as many tensors as there may be, in the longest header.
TEST_F(WeightsJsonMemoryTest, OfTheLargestHeader) {
  std::string header = "{";
  for (int i = 0; i < 65'536; ++i) {
    absl::StrAppend(&header, i > 0 ? "," : "", "\"", std::string(170, 'n'), i,
                    R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  }
  header += "}";
  ASSERT_LE(header.size(), 16'000'000u);
  const std::string path = folder_.Write("m.safetensors", testing::SafetensorsBytes(header));
  const int64_t before = now;
  peak = before;
  EXPECT_THAT(WeightFiles::Open(path), IsOk());
  EXPECT_LE(peak - before, int64_t{256} << 20);
}

// Keys of TensorFlow's index that share their fronts take few bytes of the file.
TEST_F(WeightsJsonMemoryTest, OfKeysThatShareTheirFronts) {
  testing::KeysAndValues entries = {{"", ""}};
  for (int i = 0; i < 65'536; ++i) {
    entries.emplace_back(absl::StrCat(std::string(1'000, 'k'), 100'000 + i), "");
  }
  const std::string index = testing::TableBytes(
      entries, {.block_bytes = size_t{1} << 30, .restart_interval = size_t{1} << 30});
  ASSERT_LE(index.size(), 2'000'000u);
  Refuse("m.index", index, "keys");
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
