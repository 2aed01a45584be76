// Any bytes as a file of torch.save: the readers refuse them with a place, or give a table whose
// tensors lie in the file. The first byte chooses what the others are: a file, the pickle of a zip
// archive with right sums, or the pickles of a legacy file, so that the machine behind the headers
// is reached.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "models/weights/pytorch_file.h"
#include "tests/models/weights/pytorch_bytes.h"

namespace {

using graft::testing::LegacyParts;
using graft::testing::TorchRecords;
using graft::testing::ZipBytes;
using graft::testing::ZipRecord;

// A file in memory with these bytes.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", 0)) { ABSL_CHECK_GE(descriptor_, 0); }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  graft::InputFile Fill(std::string_view bytes) const {
    ABSL_CHECK_EQ(::ftruncate(descriptor_, 0), 0);
    ABSL_CHECK_EQ(::pwrite(descriptor_, bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
    auto file = graft::InputFile::Open(absl::StrCat("/proc/self/fd/", descriptor_));
    ABSL_CHECK_OK(file);
    return *std::move(file);
  }

 private:
  int descriptor_;
};

void CheckTable(const graft::WeightTable& table, uint64_t size) {
  for (const graft::StoredBlock& block : table.blocks) {
    ABSL_CHECK_LE(block.begin, block.end);
    ABSL_CHECK_LE(block.end, size);
  }
  ABSL_CHECK_LE(table.tensors.size(), graft::kMaxTensors);
  for (const graft::TensorInfo& tensor : table.tensors) {
    ABSL_CHECK_LE(tensor.begin, tensor.end);
    ABSL_CHECK_LE(tensor.end, size);
    ABSL_CHECK_LE(tensor.shape.size(), graft::kMaxTensorRank);
    ABSL_CHECK_LE(tensor.name.size(), graft::kMaxTensorName);
    ABSL_CHECK_LT(tensor.block, static_cast<int>(table.blocks.size()));
    ABSL_CHECK_LE(tensor.bytes(), size);
    if (tensor.strides.empty()) ABSL_CHECK_EQ(tensor.end - tensor.begin, tensor.bytes());
    if (tensor.block < 0) continue;
    const graft::StoredBlock& block = table.blocks[static_cast<size_t>(tensor.block)];
    ABSL_CHECK_GE(tensor.begin, block.begin);
    ABSL_CHECK_LE(tensor.end, block.end);
  }
}

void Load(const MemoryFile& memory, std::string_view bytes) {
  const graft::InputFile file = memory.Fill(bytes);
  for (const auto& table : {graft::ReadPyTorchZip(file), graft::ReadPyTorchLegacy(file)}) {
    if (table.ok()) {
      CheckTable(*table, bytes.size());
    } else {
      ABSL_CHECK(table.status().code() == absl::StatusCode::kDataLoss) << table.status();
      ABSL_CHECK(absl::StartsWith(table.status().message(), file.path() + ": ")) << table.status();
      ABSL_CHECK(absl::StrContains(table.status().message(), "expected ")) << table.status();
    }
  }
}

// The storages are of those sizes that the seeds name: 6 floats and 4 halves.
std::string Archive(std::string_view state, bool zip64) {
  std::vector<ZipRecord> records =
      TorchRecords(std::string(state), {std::string(24, '\x3F'), std::string(8, '\x3C')});
  for (ZipRecord& record : records) record.zip64 = zip64;
  return ZipBytes(records);
}

// The state and what follows are the fuzzer's.
std::string Legacy(std::string_view rest) {
  LegacyParts parts;
  parts.state = std::string(rest);
  return parts.Bytes();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const MemoryFile memory;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      Load(memory, bytes);
      break;
    case 1:
      Load(memory, Archive(bytes, false));
      break;
    case 2:
      Load(memory, Archive(bytes, true));
      break;
    default:
      Load(memory, Legacy(bytes));
      break;
  }
  return 0;
}
