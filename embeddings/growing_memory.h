// Memory that grows in place. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_GROWING_MEMORY_H_
#define GRAFT_EMBEDDINGS_GROWING_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft {

// A range of addresses whose front is memory. It never moves while it grows, so threads may write
// to what there is already. Begins at a page; new memory is zero. Move-only; Grow and Trim by one
// thread at a time.
class GrowingMemory {
 public:
  // Takes addresses for `max_bytes` and no memory. ResourceExhausted, naming `source`, when the
  // system has no such range.
  static absl::StatusOr<GrowingMemory> Reserve(uint64_t max_bytes, const std::string& source);

  GrowingMemory() = default;
  GrowingMemory(GrowingMemory&& other) noexcept;
  GrowingMemory& operator=(GrowingMemory&& other) noexcept;
  ~GrowingMemory();

  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  // The first `bytes` are memory, of which the system gives a page when it is first written to.
  // ResourceExhausted beyond what was reserved and where there is no memory.
  absl::Status Grow(uint64_t bytes);
  // Gives back all behind the first `bytes`, addresses too.
  void Trim(uint64_t bytes);

 private:
  GrowingMemory(std::byte* data, uint64_t reserved, std::string source)
      : data_(data), reserved_(reserved), source_(std::move(source)) {}

  std::byte* data_ = nullptr;
  uint64_t reserved_ = 0;  // whole pages
  uint64_t usable_ = 0;    // whole pages
  uint64_t size_ = 0;
  std::string source_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_GROWING_MEMORY_H_
