#include "tasks/nearest_texts.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "models/catch_errors.h"
#include "models/kernels/product.h"
#include "models/kernels/tasks.h"
#include "tasks/threads.h"

namespace graft {
namespace {

constexpr int64_t kRowBlock = 8192;   // vectors whose scores are held at once
constexpr int64_t kQueryBlock = 128;  // queries that share a pass over the vectors

// Whether a stands before b.
bool Before(const Neighbor& a, const Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// The best so far, as a heap whose front is the worst of them.
class Best {
 public:
  explicit Best(int64_t top) : top_(static_cast<size_t>(top)) {}

  void Add(const Neighbor& neighbor) {
    if (heap_.size() == top_) {
      if (!Before(neighbor, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), Before);
      heap_.back() = neighbor;
    } else {
      heap_.push_back(neighbor);
    }
    std::push_heap(heap_.begin(), heap_.end(), Before);
  }

  std::vector<Neighbor> Sorted() && {
    std::sort(heap_.begin(), heap_.end(), Before);
    return std::move(heap_);
  }

 private:
  size_t top_;
  std::vector<Neighbor> heap_;
};

double Length(const float* vector, int64_t width) {
  double sum = 0;
  for (int64_t c = 0; c < width; ++c) sum += static_cast<double>(vector[c]) * vector[c];
  return static_cast<float>(std::sqrt(sum));  // as the index has those of its rows
}

// A view of [rows, width] numbers that are only read.
at::Tensor View(const float* data, int64_t rows, int64_t width) {
  return at::from_blob(const_cast<float*>(data), {rows, width}, at::kFloat);
}

// Takes the rows [first, first + count), whose products with one query are `dots`.
void AddRows(const EmbeddingIndex& index, Similarity similarity, double query_length,
             const float* dots, int64_t first, int64_t count, Best& best) {
  for (int64_t i = 0; i < count; ++i) {
    double score = dots[i];
    if (similarity == Similarity::kCosine) {
      const double lengths = query_length * index.lengths()[first + i];
      score = lengths > 0 ? score / lengths : 0;
    }
    // Numbers that are finite but far from what models give: the order needs numbers, and its first
    // one tells.
    if (!std::isfinite(score)) score = std::numeric_limits<double>::infinity();
    best.Add({first + i, score});
  }
}

void Search(const EmbeddingIndex& index, const float* queries, int64_t count, int64_t top,
            Similarity similarity, std::vector<std::vector<Neighbor>>& results) {
  const int64_t width = index.dimensions();
  std::vector<Best> best(count, Best(std::min(top, index.rows())));
  std::vector<double> lengths(count);
  for (int64_t q = 0; q < count; ++q) lengths[q] = Length(queries + q * width, width);
  const at::Tensor left = View(queries, count, width);
  for (int64_t first = 0; first < index.rows(); first += kRowBlock) {
    const int64_t rows = std::min(kRowBlock, index.rows() - first);
    const at::Tensor block = View(index.vectors() + first * width, rows, width);
    const at::Tensor scores = MatrixProduct(left, block.t());  // [count, rows]
    const float* dots = scores.const_data_ptr<float>();
    ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t q = begin; q < end; ++q) {
        AddRows(index, similarity, lengths[q], dots + q * rows, first, rows, best[q]);
      }
    });
  }
  for (Best& one : best) results.push_back(std::move(one).Sorted());
}

absl::Status CheckArguments(const EmbeddingIndex& index, absl::Span<const float> queries,
                            int64_t top) {
  const auto width = static_cast<size_t>(index.dimensions());
  if (top < 1) {
    return absl::InvalidArgumentError(absl::StrCat("top: expected at least 1, found ", top));
  }
  if (queries.size() % width != 0) {
    return absl::InvalidArgumentError(absl::StrCat("queries: expected rows of ", width,
                                                   " numbers, found ", queries.size(), " numbers"));
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const EmbeddingIndex& index,
                         const std::vector<std::vector<Neighbor>>& results) {
  for (const std::vector<Neighbor>& neighbors : results) {
    if (neighbors.empty() || std::isfinite(neighbors[0].score)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(index.path(), ": row ", neighbors[0].row,
                     ": expected numbers whose products with a query's are finite in float32"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::vector<Neighbor>>> FindNearest(const EmbeddingIndex& index,
                                                               absl::Span<const float> queries,
                                                               int64_t top, Similarity similarity) {
  using Results = std::vector<std::vector<Neighbor>>;
  ABSL_RETURN_IF_ERROR(CheckArguments(index, queries, top));
  return CatchErrors(index.path(), [&]() -> absl::StatusOr<Results> {
    const c10::AutoGradMode no_grad(false);
    const ComputeTurn turn;
    const int64_t width = index.dimensions();
    const auto count = static_cast<int64_t>(queries.size()) / width;
    Results results;
    for (int64_t begin = 0; begin < count; begin += kQueryBlock) {
      Search(index, queries.data() + begin * width, std::min(kQueryBlock, count - begin), top,
             similarity, results);
    }
    ABSL_RETURN_IF_ERROR(CheckFinite(index, results));
    return results;
  });
}

}  // namespace graft
