#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "embeddings/scores.h"
#include "embeddings/search.h"
#include "embeddings/search_state.h"

namespace graft {
namespace {

constexpr double kEpsilon = 0.001;

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

// Of the word at row x: units are those of a, b and c.
double ProductScore(const std::vector<double>& x, const std::array<std::vector<double>, 3>& units) {
  std::array<double, 3> cosines = {};
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t word = 0; word < 3; ++word) cosines[word] += x[i] * units[word][i];
  }
  const auto [to_a, to_b, to_c] = cosines;
  return (1 + to_b) / 2 * ((1 + to_c) / 2) / ((1 + to_a) / 2 + kEpsilon);
}

// Cosines of some rows with a, b and c, each wrong by less than `error`, to candidates: the score
// rises with two of them and falls with the third.
void AddProducts(const std::array<const float*, 3>& cosines, int64_t first, int64_t count,
                 float error, absl::Span<const int64_t> excluded, Candidates& candidates) {
  // A few roundings more, of sums up to two and of the products.
  const float e = error + 0x1p-21f;
  constexpr float kMore = 1 + 0x1p-20f, kLess = 1 - 0x1p-20f;
  const auto [to_a, to_b, to_c] = cosines;
  alignas(64) std::array<float, kScanStep> most;
  const auto factor = [](float cosine) { return std::max(0.0f, 0.5f + 0.5f * cosine); };
  constexpr auto kSmall = static_cast<float>(kEpsilon);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    most[i] = kMore * factor(to_b[i] + e) * factor(to_c[i] + e) / (factor(to_a[i] - e) + kSmall);
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    if (most[i] < candidates.threshold()) continue;
    const int64_t row = first + static_cast<int64_t>(i);
    if (IsAmong(excluded, row)) continue;
    const float least =
        kLess * factor(to_b[i] - e) * factor(to_c[i] - e) / (factor(to_a[i] + e) + kSmall);
    candidates.AddBetween(row, least, most[i]);
  }
}

}  // namespace

std::vector<Neighbor> VectorSearch::State::NearestByProduct(
    const std::array<std::vector<double>, 3>& units, int64_t k,
    absl::Span<const int64_t> excluded) const {
  k = std::clamp<int64_t>(k, 0, rows());
  std::vector<int64_t> left;
  if (in_float && k > 0) {
    std::array<std::vector<float>, 3> queries;
    for (size_t word = 0; word < 3; ++word) {
      for (const double value : units[word]) queries[word].push_back(static_cast<float>(value));
    }
    const auto scan = [&](int64_t begin, int64_t end, float* scratch, Candidates& candidates) {
      alignas(64) std::array<std::array<float, kScanStep>, 3> cosines;
      for (int64_t first = begin; first < end; first += kScanStep) {
        const int64_t count = std::min(end, first + kScanStep) - first;
        const float* const floats = vectors.matrix().Floats(first, first + count, scratch);
        for (size_t word = 0; word < 3; ++word) {
          ScoreRows(queries[word].data(), floats, weights.data() + first, count, width(), 0,
                    cosines[word].data());
        }
        AddProducts({cosines[0].data(), cosines[1].data(), cosines[2].data()}, first, count, error,
                    excluded, candidates);
      }
    };
    for (const Candidates::Row& row : ScanParts(k, scan)) left.push_back(row.row);
  } else if (k > 0) {
    for (int64_t row = 0; row < rows(); ++row) {
      if (!IsAmong(excluded, row)) left.push_back(row);
    }
  }
  std::vector<Neighbor> neighbors;
  for (const int64_t row : left) {
    neighbors.push_back({row, ProductScore(UnitRow(vectors, row), units)});
  }
  std::sort(neighbors.begin(), neighbors.end(), IsNearer);
  neighbors.resize(std::min(neighbors.size(), static_cast<size_t>(k)));
  return neighbors;
}

absl::StatusOr<std::vector<Neighbor>> Analogy(const VectorSearch& search, int64_t a, int64_t b,
                                              int64_t c, int64_t k, AnalogyMethod method) {
  if (search.similarity() != Similarity::kCosine) {
    return absl::FailedPreconditionError(
        "analogies: expected a search by cosine, found one by inner product");
  }
  const WordVectors& vectors = search.vectors();
  for (const int64_t row : {a, b, c}) {
    if (row >= 0 && row < vectors.size()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("analogies: expected rows below ", vectors.size(), ", found ", row));
  }
  const std::vector<int64_t> excluded = {a, b, c};
  const std::array<std::vector<double>, 3> units = {UnitRow(vectors, a), UnitRow(vectors, b),
                                                    UnitRow(vectors, c)};
  if (method == AnalogyMethod::kMultiply) {
    return search.state_->NearestByProduct(units, k, excluded);
  }
  const auto& [unit_a, unit_b, unit_c] = units;
  std::vector<float> query(unit_a.size());
  for (size_t i = 0; i < query.size(); ++i) {
    query[i] = static_cast<float>(unit_b[i] - unit_a[i] + unit_c[i]);
  }
  return search.Nearest(query, k, excluded);
}

}  // namespace graft
