// The bytes of pickles, from the entry of an archive or from the front of a file. Internal: not
// part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_BYTES_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"

namespace graft {

// The pickle of 65,536 tensors takes about half of it.
inline constexpr size_t kMaxPickleBytes = size_t{32} << 20;

// Hands bytes out in order. What is wrong with them is InvalidArgument without a place; Error adds
// the place. What the system refuses keeps its own status.
class PickleBytes {
 public:
  // All of `bytes`; `place` stands in front of messages ("PATH: archive/data.pkl").
  PickleBytes(std::string place, std::string bytes);
  // The front of `file`, at most kMaxPickleBytes, read in pieces as far as it is asked for, since
  // only the pickles themselves say where they end. `file` must outlive this.
  explicit PickleBytes(const InputFile& file);

  // Bytes handed out so far.
  size_t at() const { return at_; }
  // True when no more bytes can follow.
  bool done() const { return at_ == end_; }
  // The next bytes; they stay valid until more are taken.
  absl::StatusOr<std::string_view> Take(size_t count);
  // The bytes before the next line end, which is taken too; at most 255.
  absl::StatusOr<std::string_view> TakeLine();
  // Bytes that were handed out, again.
  std::string_view Taken(size_t begin, size_t count) const {
    return std::string_view(bytes_).substr(begin, count);
  }

  // `wrong` as DataLoss with "PLACE: byte AT: " in front; another status as it is.
  absl::Status Error(size_t at, const absl::Status& wrong) const;

 private:
  absl::Status Fill(size_t count);

  std::string place_;
  std::string bytes_;  // those that were read
  const InputFile* file_ = nullptr;
  size_t at_ = 0;
  size_t end_ = 0;
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_BYTES_H_
