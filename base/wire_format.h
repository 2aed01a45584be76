// Reading protocol buffers from outside, field by field. Internal: not part of the installed
// headers.
#ifndef GRAFT_BASE_WIRE_FORMAT_H_
#define GRAFT_BASE_WIRE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft {

// Bytes of a file, and where in the file they begin.
struct FileBytes {
  std::string_view bytes;
  size_t begin = 0;

  size_t end() const { return begin + bytes.size(); }
};

// A field as the wire has it (https://protobuf.dev/programming-guides/encoding/).
struct WireField {
  enum class Type { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  uint32_t number = 0;
  Type type = Type::kVarint;
  uint64_t value = 0;  // of a number, zero-extended
  FileBytes bytes;     // of kBytes
  size_t begin = 0;    // of its tag in the file
};

// The fields of one message in order. Stricter than the library: a group (they are not used any
// more, and nest), a field number of 0 or past 2^29 - 1, a varint of more than 64 bits and a length
// past the end are DataLoss: "SOURCE: byte 17: expected ..., found ...".
class WireReader {
 public:
  // `source` names the file in messages; both must outlive the reader.
  WireReader(FileBytes message, const std::string& source) : message_(message), source_(source) {}

  bool done() const { return at_ == message_.bytes.size(); }
  // The next field; only when not done.
  absl::StatusOr<WireField> Next();

  // For formats that have such numbers outside of messages: a varint, and the next `size` bytes.
  absl::StatusOr<uint64_t> Varint();
  absl::StatusOr<FileBytes> Bytes(uint64_t size);
  // In the file.
  size_t position() const { return message_.begin + at_; }

 private:
  absl::StatusOr<uint64_t> Fixed(size_t size);
  absl::Status Error(size_t at, std::string_view expected, std::string_view found) const;

  FileBytes message_;
  const std::string& source_;
  size_t at_ = 0;
};

}  // namespace graft

#endif  // GRAFT_BASE_WIRE_FORMAT_H_
