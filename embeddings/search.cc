#include "embeddings/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/for_tasks.h"
#include "embeddings/candidates.h"
#include "embeddings/int8_rows.h"
#include "embeddings/scores.h"
#include "embeddings/search_state.h"

namespace graft {
namespace {

constexpr int64_t kRunStep = kScanStep / kRuns;
constexpr int64_t kNormStep = 4096;
// Lengths of rows between which neither float products nor their sums overflow or vanish.
constexpr float kShortest = 1e-15f, kLongest = 1e15f;

double Dot(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Not for what is no finite number: rows of damaged folders.
bool IsCandidate(float score, float least) {
  return score >= least && score <= std::numeric_limits<float>::max();
}

double Length(const float* a, int64_t width) { return std::sqrt(Dot(a, a, width)); }

}  // namespace

void VectorSearch::State::FindWeights() {
  const VectorMatrix& matrix = vectors.matrix();
  weights.assign(static_cast<size_t>(rows()), 1.0f);
  std::vector<float> norms(static_cast<size_t>(rows()));
  const bool known = matrix.norms != nullptr && matrix.storage == VectorStorage::kFloat32;
  const int64_t tasks = (rows() + kNormStep - 1) / kNormStep;
  ForTasks(options.threads, tasks, width(), [&](int64_t task, float* scratch) {
    for (int64_t row = task * kNormStep; row < std::min(rows(), (task + 1) * kNormStep); ++row) {
      norms[static_cast<size_t>(row)] =
          known ? matrix.norms[row]
                : static_cast<float>(Length(matrix.Floats(row, row + 1, scratch), width()));
    }
  });
  float longest = 0;
  for (size_t row = 0; row < norms.size(); ++row) {
    const float norm = norms[row];
    // Written so that a NaN of a damaged file counts.
    if (norm != 0 && !(norm > kShortest && norm < kLongest)) in_float = false;
    longest = std::max(longest, norm);
    if (options.similarity == Similarity::kCosine) weights[row] = norm > 0 ? 1 / norm : 0;
  }
  // Rounding of the query to length one and of the weight: four more roundings, and one to spare.
  const double roundings = static_cast<double>(width()) + 5;
  error = static_cast<float>(1.01 * roundings * 0x1p-24);
  if (options.similarity == Similarity::kDot) error *= longest;
  if (roundings > 100'000) in_float = false;
}

void VectorSearch::State::OrderWeights() {
  scan_weights = weights;
  for (int64_t part = 0; part < parts(); ++part) {
    const auto [begin, end] = Part(part);
    const int64_t run_rows = RowsOfRun(begin, end);
    float* out = scan_weights.data() + begin;
    for (int64_t at = 0; at < run_rows; at += kRunStep) {
      for (int64_t run = 0; run < kRuns; ++run) {
        const float* const from = weights.data() + begin + run * run_rows + at;
        out = std::copy_n(from, std::min(kRunStep, run_rows - at), out);
      }
    }
  }
}

// The query at length one. Empty for one whose length is zero or extreme.
std::vector<float> VectorSearch::State::Unit(absl::Span<const float> query) const {
  const double length = Length(query.data(), width());
  std::vector<float> unit;
  if (!(length > kShortest && length < kLongest)) return unit;
  for (const float value : query) unit.push_back(static_cast<float>(value / length));
  return unit;
}

void VectorSearch::State::Scan(absl::Span<const float> unit, int64_t begin, int64_t end,
                               absl::Span<const int64_t> excluded, float* scratch,
                               Candidates& candidates) const {
  if (int8) return int8->Scan(unit, begin, end, excluded, candidates);
  alignas(64) float scores[kScanStep];
  const auto take = [&](const float* of_rows, int64_t first, int64_t count, float least) {
    for (int64_t i = 0; i < count; ++i) {
      if (!IsCandidate(of_rows[i], least) || IsAmong(excluded, first + i)) continue;
      candidates.Add(first + i, of_rows[i], error);
    }
  };
  const int64_t run_rows = RowsOfRun(begin, end);
  for (int64_t at = 0; at < run_rows; at += kRunStep) {
    RowRuns runs = {
        .rows = {}, .weights = {}, .count = std::min(kRunStep, run_rows - at), .width = width()};
    const auto first = [&](size_t run) {
      return begin + static_cast<int64_t>(run) * run_rows + at;
    };
    for (size_t run = 0; run < kRuns; ++run) {
      const auto place = static_cast<int64_t>(run) * kRunStep * width();
      float* const own = scratch == nullptr ? nullptr : scratch + place;
      runs.rows[run] = vectors.matrix().Floats(first(run), first(run) + runs.count, own);
      runs.weights[run] =
          scan_weights.data() + begin + kRuns * at + static_cast<int64_t>(run) * runs.count;
    }
    const float least = candidates.LeastScore(error);
    if (!ScoreRuns(unit.data(), runs, least, scores)) continue;
    for (size_t run = 0; run < kRuns; ++run) {
      take(scores + static_cast<int64_t>(run) * runs.count, first(run), runs.count, least);
    }
  }
  const int64_t rest = begin + kRuns * run_rows;
  if (rest == end) return;
  const float* const floats = vectors.matrix().Floats(rest, end, scratch);
  const float least = candidates.LeastScore(error);
  ScoreRows(unit.data(), floats, weights.data() + rest, end - rest, width(), least, scores);
  take(scores, rest, end - rest, least);
}

Neighbor VectorSearch::State::Score(absl::Span<const float> query, double length, int64_t row,
                                    float* scratch) const {
  const float* const floats = vectors.matrix().Floats(row, row + 1, scratch);
  const double dot = Dot(query.data(), floats, width());
  if (options.similarity == Similarity::kDot) return {row, dot};
  const double norm = Length(floats, width()) * length;
  return {row, norm == 0 ? 0.0 : dot / norm};
}

std::vector<Neighbor> VectorSearch::State::Finish(absl::Span<const float> query, int64_t k,
                                                  const std::vector<Candidates::Row>& rows) const {
  std::vector<float> scratch(static_cast<size_t>(width()));
  const double length = Length(query.data(), width());
  std::vector<Neighbor> neighbors;
  neighbors.reserve(rows.size());
  for (const Candidates::Row& row : rows) {
    const Neighbor neighbor = Score(query, length, row.row, scratch.data());
    if (std::isfinite(neighbor.score)) neighbors.push_back(neighbor);
  }
  std::sort(neighbors.begin(), neighbors.end(), IsNearer);
  neighbors.resize(std::min(neighbors.size(), static_cast<size_t>(k)));
  return neighbors;
}

std::vector<Neighbor> VectorSearch::State::InDouble(absl::Span<const float> query, int64_t k,
                                                    absl::Span<const int64_t> excluded) const {
  std::vector<Candidates::Row> all;
  for (int64_t row = 0; row < rows(); ++row) {
    if (!IsAmong(excluded, row)) all.push_back({row, 0});
  }
  return Finish(query, k, all);
}

// A panel of queries after the other over rows that stay in a cache meanwhile.
void VectorSearch::State::ScanBatch(absl::Span<const float> panels, int64_t queries, int64_t begin,
                                    int64_t end, const std::vector<std::vector<int64_t>>& excluded,
                                    float* scratch, std::vector<Candidates>& candidates) const {
  const int64_t panel_queries = PanelQueries();
  const int64_t panel_count = static_cast<int64_t>(panels.size()) / (panel_queries * width());
  const int64_t step = std::clamp<int64_t>(16'384 / width() / 12 * 12, 12, kScanStep);
  std::vector<float> thresholds(static_cast<size_t>(panel_count * panel_queries),
                                std::numeric_limits<float>::infinity());
  for (int64_t q = 0; q < queries; ++q) {
    thresholds[static_cast<size_t>(q)] = -std::numeric_limits<float>::infinity();
  }
  std::vector<float> scores(static_cast<size_t>(step * panel_queries));
  bool found[kScanStep];
  for (int64_t first = begin; first < end; first += step) {
    const int64_t count = std::min(end, first + step) - first;
    const float* const floats = vectors.matrix().Floats(first, first + count, scratch);
    for (int64_t panel = 0; panel < panel_count; ++panel) {
      float* const least = thresholds.data() + panel * panel_queries;
      ScorePanel(panels.data() + panel * panel_queries * width(), floats, weights.data() + first,
                 count, width(), least, scores.data(), found);
      for (int64_t i = 0; i < count; ++i) {
        if (!found[i]) continue;
        for (int64_t q = 0; q < panel_queries; ++q) {
          const float score = scores[static_cast<size_t>(i * panel_queries + q)];
          if (!IsCandidate(score, least[q])) continue;
          const auto query = static_cast<size_t>(panel * panel_queries + q);
          if (static_cast<int64_t>(query) >= queries) break;
          if (!excluded.empty() && IsAmong(excluded[query], first + i)) continue;
          candidates[query].Add(first + i, score, error);
          least[q] = candidates[query].LeastScore(error);
        }
      }
    }
  }
}

VectorSearch::VectorSearch(const WordVectors& vectors, const SearchOptions& options) {
  auto state = std::make_unique<State>();
  state->vectors = vectors;
  state->options = options;
  state->FindWeights();
  if (options.int8_filter && state->in_float) {
    state->int8.emplace(vectors.matrix(), state->weights, options.threads);
  } else {
    state->OrderWeights();
  }
  state_ = std::move(state);
}

VectorSearch::VectorSearch(VectorSearch&&) noexcept = default;
VectorSearch& VectorSearch::operator=(VectorSearch&&) noexcept = default;
VectorSearch::~VectorSearch() = default;

const WordVectors& VectorSearch::vectors() const { return state_->vectors; }
Similarity VectorSearch::similarity() const { return state_->options.similarity; }
int64_t VectorSearch::threads() const { return state_->options.threads; }
const float* VectorSearch::weights() const {
  return state_->in_float ? state_->weights.data() : nullptr;
}

std::vector<Neighbor> VectorSearch::Nearest(absl::Span<const float> query, int64_t k,
                                            absl::Span<const int64_t> excluded) const {
  const State& state = *state_;
  k = std::clamp<int64_t>(k, 0, state.rows());
  const std::vector<float> unit = state.Unit(query);
  if (k == 0 || !state.in_float || unit.empty()) return state.InDouble(query, k, excluded);
  const auto scan = [&](int64_t begin, int64_t end, float* scratch, Candidates& candidates) {
    state.Scan(unit, begin, end, excluded, scratch, candidates);
  };
  return state.Finish(query, k, state.ScanParts(k, scan));
}

std::vector<std::vector<Neighbor>> VectorSearch::NearestBatch(
    absl::Span<const float> queries, int64_t k,
    const std::vector<std::vector<int64_t>>& excluded) const {
  const State& state = *state_;
  k = std::clamp<int64_t>(k, 0, state.rows());
  const auto width = static_cast<size_t>(state.width());
  const size_t count = queries.size() / width;
  const auto panel_queries = static_cast<size_t>(PanelQueries());
  std::vector<float> panels((count + panel_queries - 1) / panel_queries * panel_queries * width);
  std::vector<bool> in_double(count, !state.in_float || k == 0);
  for (size_t q = 0; q < count; ++q) {
    const std::vector<float> unit = state.Unit(queries.subspan(q * width, width));
    if (unit.empty()) in_double[q] = true;
    float* const panel =
        panels.data() + q / panel_queries * panel_queries * width + q % panel_queries;
    for (size_t i = 0; i < unit.size(); ++i) panel[i * panel_queries] = unit[i];
  }
  const int64_t parts = state.parts();
  std::vector<std::vector<Candidates>> candidates(static_cast<size_t>(parts));
  const bool decodes = state.vectors.floats() == nullptr;
  if (state.in_float && k > 0) {
    ForTasks(state.options.threads, parts, decodes ? kScanStep * state.width() : 0,
             [&](int64_t part, float* scratch) {
               std::vector<Candidates>& mine = candidates[static_cast<size_t>(part)];
               mine.assign(count, Candidates(k));
               const auto [begin, end] = state.Part(part);
               state.ScanBatch(panels, static_cast<int64_t>(count), begin, end, excluded, scratch,
                               mine);
             });
  }
  std::vector<std::vector<Neighbor>> answers(count);
  for (size_t q = 0; q < count; ++q) {
    const absl::Span<const float> query = queries.subspan(q * width, width);
    if (in_double[q]) {
      answers[q] =
          state.InDouble(query, k, excluded.empty() ? std::vector<int64_t>() : excluded[q]);
      continue;
    }
    for (size_t i = 1; i < candidates.size(); ++i) candidates[0][q].Merge(candidates[i][q]);
    answers[q] = state.Finish(query, k, candidates[0][q].Finish());
  }
  return answers;
}

}  // namespace graft
