// Bytes of a file, a pipe or standard input, gzip unpacked. Internal: not part of the installed
// headers.
#ifndef GRAFT_BASE_INPUT_STREAM_H_
#define GRAFT_BASE_INPUT_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace graft {

// Neither copied nor moved (zlib keeps pointers into it). One thread.
class InputStream {
 public:
  // "-" is standard input, which is not closed. Nothing is read yet. `stop` as TextInputOptions has
  // it.
  static absl::StatusOr<std::unique_ptr<InputStream>> Open(const std::string& path,
                                                           std::function<bool()> stop = nullptr);

  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;
  ~InputStream();

  // Fills the front of `out`, which must not be empty; gives the number of bytes, 0 at the end.
  // DataLoss with the offset in the compressed file for truncated or damaged gzip data.
  absl::StatusOr<size_t> Read(absl::Span<char> out);

  // Whether Read() would not wait, the end and errors counted. gzip data counts as there.
  bool Ready() const;

  const std::string& name() const { return name_; }
  // Bytes of the file that are behind: compressed ones of gzip.
  uint64_t file_offset() const { return raw_offset_ + begin_; }

 private:
  struct Inflater;

  InputStream(std::string name, int descriptor, bool owned, std::function<bool()> stop);
  // Waits for raw bytes or their end. Cancelled when `stop_` says so before.
  absl::Status Wait() const;
  // Reads the next raw bytes behind those that are unread; false at the end.
  absl::StatusOr<bool> Fill();
  absl::Status Start();
  absl::StatusOr<size_t> Inflate(absl::Span<char> out);
  // Behind a gzip member: another one, zeros, or the end. False at the end.
  absl::StatusOr<bool> NextMember();
  absl::Status Damaged(std::string_view expected, std::string_view found) const;

  std::string name_;
  int descriptor_;
  bool owned_;
  std::function<bool()> stop_;
  bool started_ = false;
  std::vector<char> raw_;
  size_t begin_ = 0;  // unread raw bytes: [begin_, end_)
  size_t end_ = 0;
  uint64_t raw_offset_ = 0;  // place of raw_[0] in the file
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace graft

#endif  // GRAFT_BASE_INPUT_STREAM_H_
