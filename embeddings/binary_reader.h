// Numbers from a stream of bytes, each checked against what can still come. Internal: not part of
// the installed headers.
#ifndef GRAFT_EMBEDDINGS_BINARY_READER_H_
#define GRAFT_EMBEDDINGS_BINARY_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/byte_source.h"
#include "embeddings/growing_memory.h"

namespace graft {

// Little-endian. Errors are DataLoss with the offset: "FILE: byte 17: WHAT: expected ..., found
// ...". One thread.
class BinaryReader {
 public:
  explicit BinaryReader(ByteSource& source) : source_(source) {}

  const std::string& name() const { return source_.name(); }
  uint64_t position() const { return source_.position(); }
  // No more bytes than these can follow.
  uint64_t remaining() const { return source_.max_size() - source_.position(); }

  // The next number. `what` names it in messages.
  template <typename T>
  absl::StatusOr<T> Number(std::string_view what) {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    ABSL_RETURN_IF_ERROR(
        Fill(absl::MakeSpan(reinterpret_cast<char*>(&value), sizeof(value)), what));
    return value;
  }
  // The same, at least `least` and at most `most`.
  template <typename T>
  absl::StatusOr<int64_t> Number(std::string_view what, int64_t least, int64_t most) {
    const uint64_t at = position();
    const absl::StatusOr<T> value = Number<T>(what);
    if (!value.ok()) return value.status();
    return Checked(static_cast<int64_t>(*value), least, most, at, what);
  }
  absl::Status Fill(absl::Span<char> out, std::string_view what);
  // The bytes up to a `terminator`, which is taken too, at most `most` of them.
  absl::StatusOr<std::string> Until(char terminator, size_t most, std::string_view what);
  // Memory with `count` float32 at its front and room for `more` behind.
  absl::StatusOr<std::shared_ptr<GrowingMemory>> Floats(uint64_t count, std::string_view what);
  absl::Status Skip(uint64_t count, std::string_view what);
  // That nothing follows.
  absl::Status ExpectEnd();

  absl::Status Error(uint64_t at, std::string_view what, std::string_view expected,
                     std::string_view found) const;

 private:
  absl::StatusOr<int64_t> Checked(int64_t value, int64_t least, int64_t most, uint64_t at,
                                  std::string_view what) const;

  ByteSource& source_;
};

// Where in the file the number (row, component) stands.
using PlaceOfNumber = std::function<uint64_t(int64_t row, int64_t component)>;
// Of float32 that follow each other from `begin` on.
PlaceOfNumber FloatsFrom(uint64_t begin, int64_t width);
// That all are finite; else DataLoss with place, row and component.
absl::Status CheckFinite(const std::string& name, const float* floats, int64_t rows, int64_t width,
                         const PlaceOfNumber& place);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_BINARY_READER_H_
