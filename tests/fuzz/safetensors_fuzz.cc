// Any bytes as a safetensors file or as an index of shards: refused with a place, or every tensor
// lies in the file, can be read, and is the same when it is written again. The first byte chooses:
// a file, the header of one with its length and its data made right, or an index.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/match.h"
#include "models/weights/safetensors.h"
#include "models/weights/shard_index.h"
#include "models/weights/weight_files.h"
#include "tests/fuzz/memory_file.h"
#include "tests/models/weights/weight_table_checks.h"

namespace {

using graft::TensorInfo;

void CheckRefusal(const absl::Status& status, const std::string& path) {
  ABSL_CHECK(absl::StartsWith(status.message(), path + ": ")) << status;
  ABSL_CHECK(absl::StrContains(status.message(), "expected ")) << status;
}

void Load(const graft::testing::MemoryFile& memory, std::string_view bytes) {
  const graft::InputFile file = memory.Open(bytes);
  const auto table = graft::ReadSafetensors(file);
  const auto weights = graft::WeightFiles::Open(memory.path());
  if (!table.ok()) {
    CheckRefusal(table.status(), file.path());
    return;
  }
  ABSL_CHECK_EQ(graft::testing::FaultOf(*table, absl::MakeConstSpan(&file, 1)), "");
  // Files that begin like another format are read as that one.
  if (!weights.ok() || weights->format() != graft::WeightFormat::kSafetensors) return;
  for (const TensorInfo& tensor : weights->tensors()) {
    std::string read(tensor.bytes(), '\0');
    ABSL_CHECK_OK(weights->ReadBytes(tensor, absl::MakeSpan(read)));
    ABSL_CHECK(read == bytes.substr(tensor.begin, tensor.bytes()));
    if (!graft::IsFloatingPoint(tensor.dtype)) continue;
    std::vector<float> floats(static_cast<size_t>(tensor.elements()));
    ABSL_CHECK_OK(weights->ReadAsFloat(tensor, absl::MakeSpan(floats)));
  }
}

// A file whose data is as long as the last of its offsets says, as far as that is little.
std::string WithLength(std::string_view header) {
  const uint64_t size = header.size();
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  bytes += header;
  uint64_t last = 0;
  for (size_t at = 0; at < header.size();) {
    uint64_t number = 0;
    size_t end = at;
    while (end < header.size() && header[end] >= '0' && header[end] <= '9' && end - at < 5) {
      number = number * 10 + static_cast<uint64_t>(header[end++] - '0');
    }
    if (end > at && end < header.size() && header[end] == ']') last = std::max(last, number);
    at = end > at ? end : at + 1;
  }
  return bytes + std::string(last, '\x3F');
}

void LoadIndex(const graft::testing::MemoryFile& memory, std::string_view bytes) {
  const auto index = graft::ReadShardIndex(memory.Open(bytes));
  if (!index.ok()) {
    CheckRefusal(index.status(), memory.path());
    return;
  }
  ABSL_CHECK_LE(index->files.size(), graft::kMaxShards);
  for (const std::string& name : index->files) {
    ABSL_CHECK(name.find('/') == std::string::npos && name != ".." && !name.empty());
  }
  for (const auto& [tensor, file] : index->map) ABSL_CHECK_LT(file, index->files.size());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const graft::testing::MemoryFile memory;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      Load(memory, bytes);
      break;
    case 1:
      Load(memory, WithLength(bytes));
      break;
    default:
      LoadIndex(memory, bytes);
      break;
  }
  return 0;
}
