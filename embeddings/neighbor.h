// What searches for near vectors give.
#ifndef GRAFT_EMBEDDINGS_NEIGHBOR_H_
#define GRAFT_EMBEDDINGS_NEIGHBOR_H_

#include <cstdint>

namespace graft {

enum class Similarity {
  kCosine,  // of the angle; 0 for a vector of zeros
  kDot,     // sum of the products
};

struct Neighbor {
  int64_t row = 0;
  double score = 0;

  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_NEIGHBOR_H_
