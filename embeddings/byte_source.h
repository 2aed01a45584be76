// The bytes of a file one after the other, whatever they are packed in. Internal: not part of the
// installed headers.
#ifndef GRAFT_EMBEDDINGS_BYTE_SOURCE_H_
#define GRAFT_EMBEDDINGS_BYTE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace graft {

// Move-only, one thread. Errors name the file, and offsets of packed files are those of the packed
// bytes.
class ByteSource {
 public:
  // Plain, gzip or zip, as the first bytes say. Of a zip archive the file `entry`, or without a
  // name the only one: InvalidArgument with the names when there are several.
  static absl::StatusOr<ByteSource> Open(const std::string& path, const std::string& entry = "");

  ByteSource(ByteSource&&) noexcept = default;
  ByteSource& operator=(ByteSource&&) noexcept = default;

  // The path, and the entry of an archive: for messages.
  const std::string& name() const { return name_; }
  // "", "gzip" or "zip".
  const std::string& packing() const { return packing_; }
  // No more bytes than these can come: the size of a plain file, else what deflate can make of it.
  uint64_t max_size() const { return max_size_; }

  // The next bytes without taking them: `count` of them, or all where there are fewer. Valid until
  // the next call.
  absl::StatusOr<std::string_view> Peek(size_t count);
  // Fills `out` as far as there are bytes; gives how many.
  absl::StatusOr<size_t> Read(absl::Span<char> out);
  // Bytes before a fault (of packed data, or of the disk) are given like all others, and then both
  // calls give the fault: after fewer bytes than were asked for, this tells it from the end.
  const absl::Status& fault() const { return fault_; }
  // Bytes taken so far.
  uint64_t position() const { return position_; }
  // Calls `progress` with the bytes of the file that were read, packed ones of packed files,
  // whenever another MiB was.
  void SetProgress(std::function<void(uint64_t file_bytes)> progress) {
    progress_ = std::move(progress);
  }

 private:
  class Reader;
  class PlainReader;
  class GzipReader;
  class ZipReader;
  struct Closer {
    void operator()(Reader* reader) const;
  };

  absl::StatusOr<size_t> ReadSome(absl::Span<char> out);

  ByteSource(std::string name, std::string packing, uint64_t max_size,
             std::unique_ptr<Reader, Closer> reader);

  std::string name_;
  std::string packing_;
  uint64_t max_size_ = 0;
  uint64_t position_ = 0;
  std::function<void(uint64_t)> progress_;
  uint64_t told_ = 0;  // the bytes of the last progress
  std::string ahead_;  // peeked, from ahead_at_ on not yet taken
  size_t ahead_at_ = 0;
  absl::Status fault_;
  std::unique_ptr<Reader, Closer> reader_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_BYTE_SOURCE_H_
