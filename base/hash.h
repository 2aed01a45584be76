// Hashes of contents: XXH3 with 128 bits (https://xxhash.com), as 32 lower-case hex digits, the
// text that `xxh128sum` prints. It tells contents apart that differ by accident; it is no
// protection against somebody who wants two contents to look equal.
#ifndef GRAFT_BASE_HASH_H_
#define GRAFT_BASE_HASH_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace graft {

// A hash over pieces: the same as the hash of the pieces joined. Move-only, one thread.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&& other) noexcept;
  Hasher& operator=(Hasher&& other) noexcept;
  ~Hasher();

  void Update(std::string_view bytes);
  // The hash of the bytes so far; more may follow.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string HashBytes(std::string_view bytes);

// Of a regular file, in pieces of 1 MiB. Errors of InputFile::Open and of reading.
absl::StatusOr<std::string> HashFile(const std::string& path);

}  // namespace graft

#endif  // GRAFT_BASE_HASH_H_
