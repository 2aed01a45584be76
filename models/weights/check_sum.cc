#include "models/weights/check_sum.h"

#include <libdeflate.h>

#include <string_view>

#include "absl/crc/crc32c.h"

namespace graft {

void CheckSum::Add(absl::Span<const char> bytes) {
  if (kind_ == StoredBlock::Sum::kCrc32) {
    value_ = ::libdeflate_crc32(value_, bytes.data(), bytes.size());
    return;
  }
  value_ = static_cast<uint32_t>(
      absl::ExtendCrc32c(absl::crc32c_t{value_}, std::string_view(bytes.data(), bytes.size())));
}

}  // namespace graft
