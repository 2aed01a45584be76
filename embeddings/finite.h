// Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_FINITE_H_
#define GRAFT_EMBEDDINGS_FINITE_H_

#include <cstdint>

namespace graft {

// Whether all are finite.
bool AllFinite(const float* floats, int64_t count);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FINITE_H_
