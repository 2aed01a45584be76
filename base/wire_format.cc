#include "base/wire_format.h"

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"

namespace graft {
namespace {

constexpr uint64_t kMaxFieldNumber = (uint64_t{1} << 29) - 1;
constexpr size_t kMaxVarintBytes = 10;

}  // namespace

absl::Status WireReader::Error(size_t at, std::string_view expected, std::string_view found) const {
  return absl::DataLossError(absl::StrCat(source_, ": byte ", message_.begin + at, ": expected ",
                                          expected, ", found ", found));
}

absl::StatusOr<uint64_t> WireReader::Varint() {
  const size_t begin = at_;
  uint64_t value = 0;
  for (size_t i = 0; i < kMaxVarintBytes; ++i) {
    if (done()) return Error(begin, "a whole varint", "the end inside it");
    const uint8_t byte = static_cast<uint8_t>(message_.bytes[at_++]);
    // The tenth byte holds the one bit that is left of 64.
    if (i + 1 == kMaxVarintBytes && byte > 1) break;
    value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) return value;
  }
  return Error(begin, "a varint of at most 64 bits", "a longer one");
}

absl::StatusOr<FileBytes> WireReader::Bytes(uint64_t size) {
  const size_t left = message_.bytes.size() - at_;
  if (size > left) return Error(at_, absl::StrCat(size, " bytes"), absl::StrCat(left, " bytes"));
  const FileBytes bytes = {message_.bytes.substr(at_, size), position()};
  at_ += size;
  return bytes;
}

absl::StatusOr<uint64_t> WireReader::Fixed(size_t size) {
  if (message_.bytes.size() - at_ < size) {
    return Error(at_, absl::StrCat("a number of ", size, " bytes"),
                 absl::StrCat(message_.bytes.size() - at_, " bytes"));
  }
  uint64_t value = 0;  // little-endian
  for (size_t i = 0; i < size; ++i) {
    value |= uint64_t{static_cast<uint8_t>(message_.bytes[at_++])} << (8 * i);
  }
  return value;
}

absl::StatusOr<WireField> WireReader::Next() {
  WireField field;
  const size_t begin = at_;
  field.begin = message_.begin + begin;
  ABSL_ASSIGN_OR_RETURN(const uint64_t tag, Varint());
  const uint64_t number = tag >> 3;
  if (number < 1 || number > kMaxFieldNumber) {
    return Error(begin, absl::StrCat("a field number from 1 to ", kMaxFieldNumber),
                 absl::StrCat(number));
  }
  field.number = static_cast<uint32_t>(number);
  switch (tag & 7) {
    case 0: {
      ABSL_ASSIGN_OR_RETURN(field.value, Varint());
      break;
    }
    case 1: {
      ABSL_ASSIGN_OR_RETURN(field.value, Fixed(8));
      break;
    }
    case 2: {
      const size_t length_begin = at_;
      ABSL_ASSIGN_OR_RETURN(const uint64_t length, Varint());
      const size_t left = message_.bytes.size() - at_;
      if (length > left) {
        return Error(length_begin, absl::StrCat("a length of at most ", left, ", what is left"),
                     absl::StrCat(length));
      }
      ABSL_ASSIGN_OR_RETURN(field.bytes, Bytes(length));
      break;
    }
    case 5: {
      ABSL_ASSIGN_OR_RETURN(field.value, Fixed(4));
      break;
    }
    default:
      return Error(begin, "a field of wire type 0, 1, 2 or 5",
                   absl::StrCat((tag & 7) < 5 ? "a group, wire type " : "wire type ", tag & 7));
  }
  field.type = static_cast<WireField::Type>(tag & 7);
  return field;
}

}  // namespace graft
