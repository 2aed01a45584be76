// Any bytes as the index of a TensorFlow checkpoint: it is refused with a place, or its tensors lie
// inside the data files and have names of their own. The first byte chooses: bytes as they are,
// bytes with the sums of their blocks made right, or keys and values that a right table is made of.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "models/weights/tensorflow_checkpoint.h"
#include "tests/fuzz/memory_file.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/models/weights/weight_table_checks.h"

namespace {

using graft::testing::MemoryFile;

// Keys and values, each behind a byte with its length.
graft::testing::KeysAndValues TakeEntries(std::string_view bytes) {
  const auto take = [&] {
    if (bytes.empty()) return std::string();
    const size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[0]), bytes.size() - 1);
    std::string taken(bytes.substr(1, size));
    bytes.remove_prefix(1 + size);
    return taken;
  };
  graft::testing::KeysAndValues entries = {{"", graft::testing::BundleHeaderBytes(2)}};
  while (!bytes.empty()) {
    std::string key = take();
    entries.emplace_back(std::move(key), take());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string IndexOf(uint8_t choice, std::string_view bytes) {
  if (choice % 4 >= 2) {
    return graft::testing::TableBytes(TakeEntries(bytes),
                                      {.block_bytes = choice % 8 < 4 ? size_t{40} : size_t{4096},
                                       .restart_interval = 1 + size_t{choice} / 8 % 4});
  }
  std::string index(bytes);
  if (choice % 4 == 1) graft::testing::SumRepair(index).Run();
  return index;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const MemoryFile memory, first, second;
  static const graft::InputFile shards[] = {first.Open(std::string(1000, '\0')),
                                            second.Open(std::string(64, '\0'))};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const graft::InputFile index = memory.Open(IndexOf(data[0], bytes));
  const std::string place = absl::StrCat(index.path(), ": byte ");
  const auto count = graft::CountTensorFlowShards(index);
  if (!count.ok()) {
    ABSL_CHECK(count.status().message().starts_with(place));
    return 0;
  }
  ABSL_CHECK(*count >= 1 && *count <= 1024);
  const absl::Span<const graft::InputFile> files =
      absl::MakeConstSpan(shards).first(std::min(*count, std::size(shards)));
  auto table = graft::ReadTensorFlowCheckpoint(index, files);
  if (!table.ok()) {
    ABSL_CHECK(table.status().message().starts_with(place));
    return 0;
  }
  ABSL_CHECK_EQ(graft::testing::FaultOf(*table, files), "");
  const absl::Status translated = graft::TranslateBertNames(index.path(), *table);
  ABSL_CHECK(translated.ok() || translated.code() == absl::StatusCode::kInvalidArgument);
  ABSL_CHECK_EQ(graft::testing::FaultOf(*table, files), "");
  return 0;
}
