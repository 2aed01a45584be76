// Any bytes as a file of torch.save: the readers refuse them with a place, or give a table whose
// tensors lie in the file. The first byte chooses what the others are: a file, the pickle of a zip
// archive with right sums, or the pickles of a legacy file, so that the machine behind the headers
// is reached.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/match.h"
#include "models/weights/pytorch_file.h"
#include "tests/fuzz/memory_file.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/weight_table_checks.h"

namespace {

using graft::testing::LegacyParts;
using graft::testing::MemoryFile;
using graft::testing::TorchRecords;
using graft::testing::ZipBytes;
using graft::testing::ZipRecord;

void Load(const MemoryFile& memory, std::string_view bytes) {
  const graft::InputFile file = memory.Open(bytes);
  for (const auto& table : {graft::ReadPyTorchZip(file), graft::ReadPyTorchLegacy(file)}) {
    if (table.ok()) {
      ABSL_CHECK_EQ(graft::testing::FaultOf(*table, absl::MakeConstSpan(&file, 1)), "");
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
