// Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_FINITE_H_
#define GRAFT_EMBEDDINGS_FINITE_H_

#include <bit>
#include <cstdint>

namespace graft {

// Whether all are finite, compared as integers: a loop that becomes vector code everywhere.
inline bool AllFinite(const float* floats, int64_t count) {
  constexpr int32_t kMagnitude = 0x7FFFFFFF, kLargest = 0x7F7FFFFF;
  int32_t beyond = 0;
  for (int64_t i = 0; i < count; ++i) {
    beyond |= (std::bit_cast<int32_t>(floats[i]) & kMagnitude) > kLargest ? 1 : 0;
  }
  return beyond == 0;
}

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FINITE_H_
