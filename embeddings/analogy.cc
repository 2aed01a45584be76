#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "embeddings/search.h"

namespace graft {
namespace {

// A row at length one, in double.
std::vector<double> UnitRow(const WordVectors& vectors, int64_t row) {
  std::vector<float> floats(static_cast<size_t>(vectors.width()));
  vectors.Row(row, absl::MakeSpan(floats));
  double sum = 0;
  for (const float value : floats) sum += static_cast<double>(value) * value;
  std::vector<double> unit(floats.size());
  for (size_t i = 0; i < unit.size(); ++i) unit[i] = sum > 0 ? floats[i] / std::sqrt(sum) : 0;
  return unit;
}

std::vector<Neighbor> Multiply(const WordVectors& vectors, const std::vector<double>& a,
                               const std::vector<double>& b, const std::vector<double>& c,
                               int64_t k, absl::Span<const int64_t> excluded) {
  constexpr double kEpsilon = 0.001;
  std::vector<Neighbor> all;
  for (int64_t row = 0; row < vectors.size(); ++row) {
    if (std::find(excluded.begin(), excluded.end(), row) != excluded.end()) continue;
    const std::vector<double> x = UnitRow(vectors, row);
    double to_a = 0, to_b = 0, to_c = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      to_a += x[i] * a[i];
      to_b += x[i] * b[i];
      to_c += x[i] * c[i];
    }
    const double score = (1 + to_b) / 2 * ((1 + to_c) / 2) / ((1 + to_a) / 2 + kEpsilon);
    all.push_back({row, score});
  }
  const size_t count = std::min(all.size(), static_cast<size_t>(std::max<int64_t>(k, 0)));
  const auto better = [](const Neighbor& left, const Neighbor& right) {
    return left.score != right.score ? left.score > right.score : left.row < right.row;
  };
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    better);
  all.resize(count);
  return all;
}

}  // namespace

absl::StatusOr<std::vector<Neighbor>> Analogy(const VectorSearch& search, int64_t a, int64_t b,
                                              int64_t c, int64_t k, AnalogyMethod method) {
  if (search.similarity() != Similarity::kCosine) {
    return absl::FailedPreconditionError(
        "analogies: expected a search by cosine, found one by "
        "inner product");
  }
  const WordVectors& vectors = search.vectors();
  for (const int64_t row : {a, b, c}) {
    if (row >= 0 && row < vectors.size()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("analogies: expected rows below ", vectors.size(), ", found ", row));
  }
  const std::vector<int64_t> excluded = {a, b, c};
  const std::vector<double> unit_a = UnitRow(vectors, a), unit_b = UnitRow(vectors, b),
                            unit_c = UnitRow(vectors, c);
  if (method == AnalogyMethod::kMultiply) {
    return Multiply(vectors, unit_a, unit_b, unit_c, k, excluded);
  }
  std::vector<float> query(unit_a.size());
  for (size_t i = 0; i < query.size(); ++i) {
    query[i] = static_cast<float>(unit_b[i] - unit_a[i] + unit_c[i]);
  }
  return search.Nearest(query, k, excluded);
}

}  // namespace graft
