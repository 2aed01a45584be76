// The nearest rows of word vectors, exactly.
#ifndef GRAFT_EMBEDDINGS_SEARCH_H_
#define GRAFT_EMBEDDINGS_SEARCH_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/neighbor.h"
#include "embeddings/word_vectors.h"

namespace graft {

struct SearchOptions {
  Similarity similarity = Similarity::kCosine;
  int64_t threads = 1;
  // Keeps a copy of the rows in 8 bits, a quarter of their memory, and looks at the rows themselves
  // only where the copy's error bound leaves it open. The answers are the same.
  bool int8_filter = false;
};

// Immutable and thread-safe, but two searches beside each other take turns with the threads. Holds
// two floats for each row, with the filter one and the copy.
//
// Exact: the answers are those of a search that computes every score in double, with products
// summed in the order of the components; rows of equal score come in their order. Rows are first
// scored in float32 (or 8 bits), whose error has a bound (Higham, "Accuracy and Stability of
// Numerical Algorithms", 3.1); all that may be among the nearest is scored again in double. Rows
// that are no finite numbers, in damaged folders alone, are no answers.
class VectorSearch {
 public:
  VectorSearch(const WordVectors& vectors, const SearchOptions& options);
  VectorSearch(VectorSearch&&) noexcept;
  VectorSearch& operator=(VectorSearch&&) noexcept;
  ~VectorSearch();

  const WordVectors& vectors() const;
  Similarity similarity() const;
  int64_t threads() const;
  // By row: what its inner product with a query is multiplied by, one over its length or one, to
  // float's precision. nullptr where some lengths are so extreme that products in float say
  // nothing.
  const float* weights() const;

  // The nearest min(k, V - excluded) rows to a query [D], the nearest first; `excluded` rows, in
  // any order, are left out.
  std::vector<Neighbor> Nearest(absl::Span<const float> query, int64_t k,
                                absl::Span<const int64_t> excluded = {}) const;
  // The same for queries [Q, D]; `excluded` is empty or has a list for each.
  std::vector<std::vector<Neighbor>> NearestBatch(
      absl::Span<const float> queries, int64_t k,
      const std::vector<std::vector<int64_t>>& excluded = {}) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

// a : b = c : ?, by the cosines of unit vectors (Levy and Goldberg 2014).
enum class AnalogyMethod {
  kAdd,       // 3CosAdd: cos(x, b) - cos(x, a) + cos(x, c), as the sum's cosine
  kMultiply,  // 3CosMul: cos(x, b) cos(x, c) / (cos(x, a) + 0.001), cosines moved to [0, 1]
};
// The nearest k words; the three are none of them. InvalidArgument for a row outside of [0, V),
// FailedPrecondition for a search that is not by cosine. Scores of kMultiply are those of the
// formula in double, and the answers those of a search that computes it for every row.
absl::StatusOr<std::vector<Neighbor>> Analogy(const VectorSearch& search, int64_t a, int64_t b,
                                              int64_t c, int64_t k, AnalogyMethod method);

// Many questions at once, with the same answers. `terms` [T, D] are the vectors that they are made
// of, rows or not; `questions` name three of them each, in [0, T); `excluded` is empty or has a
// list of rows for each, which are no answers.
struct AnalogyQuestion {
  int64_t a = 0, b = 0, c = 0;
};
absl::StatusOr<std::vector<std::vector<Neighbor>>> Analogies(
    const VectorSearch& search, absl::Span<const float> terms,
    absl::Span<const AnalogyQuestion> questions, int64_t k, AnalogyMethod method,
    const std::vector<std::vector<int64_t>>& excluded = {});

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_SEARCH_H_
