// The system refuses a call: every call in turn, in every format and operation. The Status names
// the file and the reason, and nothing half-written stays.
#include "tests/support/failing_calls.h"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/compare_weights.h"
#include "models/weights/convert_weights.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/sample_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::FailingCall;
using graft::testing::FormatOf;
using graft::testing::IsOk;
using graft::testing::kFstatCall;
using graft::testing::kFsyncCall;
using graft::testing::kOpenCall;
using graft::testing::kPreadCall;
using graft::testing::kRenameCall;
using graft::testing::kSampleFloats;
using graft::testing::kWriteCall;
using graft::testing::SampleModel;
using graft::testing::SampleModels;
using graft::testing::SpanOf;
using graft::testing::StatusIs;
using graft::testing::TemporaryFolder;
using graft::testing::TorchLegacy;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::StartsWith;
namespace pickle = graft::testing::pickle;

constexpr unsigned kReadingCalls = kOpenCall | kFstatCall | kPreadCall;
// Without fstat: a temporary whose lock cannot be examined is left for the next writer to remove.
constexpr unsigned kConvertingCalls =
    kOpenCall | kPreadCall | kWriteCall | kFsyncCall | kRenameCall;

WeightFiles OpenOrDie(const TemporaryFolder& folder) {
  auto weights = WeightFiles::OpenFolder(folder.path());
  EXPECT_THAT(weights, IsOk());
  return *std::move(weights);
}

using Operation = std::function<absl::Status()>;

// Makes the first of the `calls` of an operation fail, then the second, and so on, until there is
// none left. `prepare` gives the operation without a failure. The message must begin with `place`.
void FailEveryCall(
    unsigned calls, int error, const std::string& place, const std::function<Operation()>& prepare,
    const std::function<void()>& check = [] {}) {
  for (int number = 0;; ++number) {
    const Operation operation = prepare();
    const FailingCall failing(calls, number, error);
    const absl::Status status = operation();
    if (!failing.reached()) {
      EXPECT_THAT(status, IsOk());
      EXPECT_GT(number, 0);
      return;
    }
    if (error == FailingCall::kEndOfFile) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                                   AllOf(StartsWith(place),
                                         ContainsRegex(": byte [0-9]+: expected [0-9]+ more bytes, "
                                                       "found the end of the file$"))))
          << number;
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal,
                                   AllOf(StartsWith(place), ContainsRegex(": cannot [a-z ]+.*: "),
                                         EndsWith("Input/output error"))))
          << number;
    }
    check();
  }
}

// Each call fails, and then each read finds the end of the file.
void FailEveryRead(const std::string& place, const std::function<Operation()>& prepare) {
  FailEveryCall(kReadingCalls, EIO, place, prepare);
  FailEveryCall(kPreadCall, FailingCall::kEndOfFile, place, prepare);
}

class FailingCallsTest : public ::testing::TestWithParam<SampleModel> {
 protected:
  FailingCallsTest() { GetParam().write(folder_); }

  std::string place() const { return folder_.path() + "/"; }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
};

INSTANTIATE_TEST_SUITE_P(, FailingCallsTest, ::testing::ValuesIn(SampleModels()), FormatOf);

TEST_P(FailingCallsTest, OfOpening) {
  FailEveryRead(place(),
                [&] { return [&] { return WeightFiles::OpenFolder(folder_.path()).status(); }; });
}

TEST_P(FailingCallsTest, OfReadingATensor) {
  const WeightFiles opened = OpenOrDie(folder_);
  for (const TensorInfo& tensor : opened.tensors()) {
    SCOPED_TRACE(tensor.name);
    // Opened anew each time: what was compared with its sum is not read again.
    std::optional<WeightFiles> weights;
    std::string bytes(tensor.bytes(), '\0');
    FailEveryRead(place(), [&] {
      weights = OpenOrDie(folder_);
      return [&] { return weights->ReadBytes(tensor, absl::MakeSpan(bytes)); };
    });
    if (!IsFloatingPoint(tensor.dtype)) continue;
    std::vector<float> floats(static_cast<size_t>(tensor.elements()));
    FailEveryRead(place(), [&] {
      weights = OpenOrDie(folder_);
      return [&] { return weights->ReadAsFloat(tensor, absl::MakeSpan(floats)); };
    });
  }
}

TEST_P(FailingCallsTest, OfComparing) {
  // Other numbers, so that they are compared as floats, too; and none.
  const TemporaryFolder rounded(place()), empty(place());
  ASSERT_THAT(
      WriteConverted(OpenOrDie(folder_), {.dtype = DType::kBF16, .first = {}}, rounded.path()),
      IsOk());
  ASSERT_THAT(WriteSafetensors(empty / "model.safetensors", {}, {}), IsOk());
  for (const TemporaryFolder* other : {&rounded, &empty}) {
    std::optional<WeightFiles> first, second;
    const auto compare = [&](const WeightFiles& a, const WeightFiles& b) {
      return CompareWeights(a, b, [](const TensorComparison&) {});
    };
    const auto open = [&] {
      first = OpenOrDie(folder_);
      second = OpenOrDie(*other);
    };
    FailEveryRead(place(), [&] {
      open();
      return [&] { return compare(*first, *second); };
    });
    FailEveryRead(place(), [&] {
      open();
      return [&] { return compare(*second, *first); };
    });
  }
}

// The files of a folder, with their bytes.
std::map<std::string, std::string> Contents(const TemporaryFolder& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    contents[entry.path().filename()] = TemporaryFolder::Read(entry.path());
  }
  return contents;
}

TEST_P(FailingCallsTest, OfConverting) {
  for (const WeightConversion& conversion :
       {WeightConversion{}, WeightConversion{.dtype = DType::kBF16, .max_shard_bytes = 8}}) {
    const TemporaryFolder good(place());
    ASSERT_THAT(WriteConverted(OpenOrDie(folder_), conversion, good.path()), IsOk());
    const std::map<std::string, std::string> whole = Contents(good);
    std::optional<WeightFiles> weights;
    std::optional<TemporaryFolder> out;
    const auto prepare = [&]() -> Operation {
      weights = OpenOrDie(folder_);
      out.emplace(place());
      return [&] { return WriteConverted(*weights, conversion, out->path()).status(); };
    };
    const auto check = [&] {
      for (const auto& [name, bytes] : Contents(*out)) {
        const auto found = whole.find(name);
        ASSERT_NE(found, whole.end()) << name;
        EXPECT_EQ(bytes, found->second) << name;
      }
    };
    FailEveryCall(kConvertingCalls, EIO, place(), prepare, check);
    FailEveryCall(kPreadCall, FailingCall::kEndOfFile, place(), prepare, check);
  }
}

// Pickles of legacy files are read in pieces; here one ends in the lines of a global.
TEST(FailingReadsTest, OfAPieceOfAPickle) {
  constexpr size_t kPiece = size_t{64} << 10;
  const std::string storage = pickle::LegacyStorage("FloatStorage", "0", 6);
  pickle::Pieces items = {pickle::Text("pad"), pickle::Text(std::string(kPiece - 500, 'p'))};
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    items.push_back(pickle::Text(name));
    items.push_back(pickle::Tensor(storage, 0, {6}, {1}));
  }
  const TemporaryFolder folder(TemporaryFolder::Memory());
  folder.Write("pytorch_model.bin",
               TorchLegacy(pickle::Dict(items), {{"0", 6, kSampleFloats}}).Bytes());
  FailEveryRead(folder / "pytorch_model.bin: ",
                [&] { return [&] { return WeightFiles::OpenFolder(folder.path()).status(); }; });
}

// Small files are written in one call, when all is there.
TEST(FailingWritesTest, OfALongHeaderAndOfALongTensor) {
  const TemporaryFolder folder(TemporaryFolder::Memory());
  std::vector<TensorToWrite> many(20'000, {"", DType::kU8, {0}, {}});
  for (size_t i = 0; i < many.size(); ++i) many[i].name = absl::StrCat(i);
  const std::string bytes(size_t{3} << 20, '\1');
  const auto size = static_cast<int64_t>(bytes.size());
  const std::vector<TensorToWrite> large = {{"large", DType::kU8, {size}, SpanOf(bytes)}};
  for (const auto* tensors : {&std::as_const(many), &large}) {
    FailEveryCall(
        kOpenCall | kWriteCall, EIO, folder / "m",
        [&] {
          std::filesystem::remove(folder / "m");
          return [&] { return WriteSafetensors(folder / "m", *tensors, {}); };
        },
        [&] {
          for (const auto& [name, contents] : Contents(folder)) EXPECT_EQ(name, "m");
        });
  }
}

}  // namespace
}  // namespace graft
