// Numbers in the records of zip archives. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_ZIP_RECORDS_H_
#define GRAFT_MODELS_WEIGHTS_ZIP_RECORDS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/file.h"

namespace graft {

static_assert(std::endian::native == std::endian::little);

inline constexpr uint32_t kZipIn64 = UINT32_MAX;  // the number stands in a zip64 field

// The number at an offset that was checked.
template <typename T>
T ZipNumber(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// Bytes of the file; the caller has compared `count` with its size.
absl::StatusOr<std::string> ZipBytes(const InputFile& file, uint64_t at, size_t count);

// The field of an extra part that holds the 64-bit numbers; empty when there is none.
std::string_view FindZip64(std::string_view extra);

// Replaces a number of 32 ones by the next of the zip64 field. False when there is none left.
bool ResolveZip64(uint64_t& number, std::string_view& zip64);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_ZIP_RECORDS_H_
