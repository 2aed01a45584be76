#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/for_tasks.h"
#include "embeddings/scores.h"
#include "embeddings/search.h"

namespace graft {
namespace {

constexpr double kEpsilon = 0.001;  // of the formula
// Rows of one step: what all terms say of them stays in a cache.
constexpr int64_t kStep = 128;

using Excluded = std::vector<std::vector<int64_t>>;

bool Better(const Neighbor& a, const Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// At length one, in double; zeros for zeros.
std::vector<double> Unit(absl::Span<const float> floats) {
  double sum = 0;
  for (const float value : floats) sum += static_cast<double>(value) * value;
  std::vector<double> unit(floats.size());
  for (size_t i = 0; i < unit.size(); ++i) unit[i] = sum > 0 ? floats[i] / std::sqrt(sum) : 0;
  return unit;
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// 3CosMul: all scores are first bounded in float, and computed in double where the bound may be
// among the best.
class MultiplySearch {
 public:
  MultiplySearch(const VectorSearch& search, absl::Span<const float> terms,
                 absl::Span<const AnalogyQuestion> questions, size_t k, const Excluded& excluded)
      : vectors_(search.vectors()),
        weights_(search.weights()),
        threads_(std::max<int64_t>(1, search.threads())),
        questions_(questions),
        k_(k),
        excluded_(excluded) {
    const auto width = static_cast<size_t>(vectors_.width());
    for (size_t t = 0; t < terms.size() / width; ++t) {
      units_.push_back(Unit(terms.subspan(t * width, width)));
      for (const double value : units_.back()) floats_.push_back(static_cast<float>(value));
    }
    // A cosine in float is a sum of products with a weight: its error as VectorSearch bounds it.
    // Half of it is that of (1 + cosine) / 2, which is rounded a few times more.
    slack_ = static_cast<float>(0.51 * (static_cast<double>(width) + 5) * 0x1p-24 + 0x1p-21);
    divides_.resize(units_.size());
    for (const AnalogyQuestion& question : questions) {
      divides_[static_cast<size_t>(question.a)] = true;
    }
  }

  std::vector<std::vector<Neighbor>> Run() {
    const int64_t parts = std::clamp<int64_t>(vectors_.size() / kStep, 1, threads_);
    std::vector<Best> best(static_cast<size_t>(parts), Best(questions_.size()));
    const bool decodes = vectors_.floats() == nullptr;
    ForTasks(
        threads_, parts, decodes ? kStep * vectors_.width() : 0, [&](int64_t part, float* scratch) {
          const int64_t end = vectors_.size() * (part + 1) / parts;
          Bounds bounds(units_.size());
          for (int64_t row = vectors_.size() * part / parts; row < end; row += kStep) {
            Scan(row, std::min(end, row + kStep), scratch, bounds, best[static_cast<size_t>(part)]);
          }
        });
    for (size_t part = 1; part < best.size(); ++part) {
      for (size_t q = 0; q < questions_.size(); ++q) {
        for (const Neighbor& neighbor : best[part][q]) Insert(neighbor, best[0][q]);
      }
    }
    return std::move(best[0]);
  }

 private:
  using Best = std::vector<std::vector<Neighbor>>;  // of each question, the best first

  // Of each term and row of a step: (1 + cosine) / 2 is not above `most`, and, where a question
  // divides by the term, one over it and the epsilon not above `inverse`.
  struct Bounds {
    explicit Bounds(size_t terms) : most(terms * kStep), inverse(terms * kStep) {}
    std::vector<float> most, inverse;
    // Where the search has none: every row is then computed in double.
    std::vector<float> no_weights =
        std::vector<float>(kStep, std::numeric_limits<float>::quiet_NaN());
  };

  void FindBounds(const float* rows, const float* weights, int64_t count, Bounds& bounds) const {
    // Rounded upwards by more than the roundings of the product.
    constexpr float kUp = 1 + 0x1p-20f;
    const float epsilon = static_cast<float>(kEpsilon) * (1 - 0x1p-20f) - slack_;
    for (size_t t = 0; t < units_.size(); ++t) {
      float* const most = bounds.most.data() + t * kStep;
      ScoreRows(floats_.data() + t * static_cast<size_t>(vectors_.width()), rows, weights, count,
                vectors_.width(), 0, most);
      for (int64_t i = 0; i < count; ++i) most[i] = (1 + most[i]) / 2 + slack_;
      if (!divides_[t]) continue;
      float* const inverse = bounds.inverse.data() + t * kStep;
      for (int64_t i = 0; i < count; ++i) {
        const float least = most[i] - 2 * slack_ + epsilon;
        inverse[i] = least > 0 ? kUp / least : std::numeric_limits<float>::infinity();
      }
    }
  }

  // The formula, with a row at length one.
  double Score(const std::vector<double>& x, const AnalogyQuestion& question) const {
    const double to_a = Dot(x, units_[static_cast<size_t>(question.a)]);
    const double to_b = Dot(x, units_[static_cast<size_t>(question.b)]);
    const double to_c = Dot(x, units_[static_cast<size_t>(question.c)]);
    return (1 + to_b) / 2 * ((1 + to_c) / 2) / ((1 + to_a) / 2 + kEpsilon);
  }

  void Insert(const Neighbor& neighbor, std::vector<Neighbor>& best) const {
    if (!std::isfinite(neighbor.score)) return;
    if (best.size() == k_ && !Better(neighbor, best.back())) return;
    best.insert(std::upper_bound(best.begin(), best.end(), neighbor, Better), neighbor);
    if (best.size() > k_) best.pop_back();
  }

  bool IsExcluded(size_t question, int64_t row) const {
    if (excluded_.empty()) return false;
    const std::vector<int64_t>& rows = excluded_[question];
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  }

  void Scan(int64_t begin, int64_t end, float* scratch, Bounds& bounds, Best& best) const {
    const int64_t count = end - begin;
    const float* const rows = vectors_.matrix().Floats(begin, end, scratch);
    FindBounds(rows, weights_ != nullptr ? weights_ + begin : bounds.no_weights.data(), count,
               bounds);
    const auto width = static_cast<size_t>(vectors_.width());
    std::vector<std::vector<double>> unit_rows(static_cast<size_t>(count));
    float scores[kStep];
    for (size_t q = 0; q < questions_.size(); ++q) {
      const AnalogyQuestion& question = questions_[q];
      const float* const a = bounds.inverse.data() + question.a * kStep;
      const float* const b = bounds.most.data() + question.b * kStep;
      const float* const c = bounds.most.data() + question.c * kStep;
      const float least = best[q].size() < k_
                              ? -std::numeric_limits<float>::infinity()
                              : static_cast<float>(best[q].back().score) * (1 - 0x1p-22f);
      int reached = 0;
      // Written so that a NaN counts.
      for (int64_t i = 0; i < count; ++i) {
        scores[i] = b[i] * c[i] * a[i];
        reached |= static_cast<int>(!(scores[i] < least));
      }
      if (reached == 0) continue;
      for (int64_t i = 0; i < count; ++i) {
        if (scores[i] < least || IsExcluded(q, begin + i)) continue;
        std::vector<double>& unit = unit_rows[static_cast<size_t>(i)];
        if (unit.empty()) {
          unit = Unit(absl::MakeConstSpan(rows + static_cast<size_t>(i) * width, width));
        }
        Insert({begin + i, Score(unit, question)}, best[q]);
      }
    }
  }

  const WordVectors& vectors_;
  const float* const weights_;  // of the search
  const int64_t threads_;
  const absl::Span<const AnalogyQuestion> questions_;
  const size_t k_;
  const Excluded& excluded_;
  std::vector<std::vector<double>> units_;  // of the terms
  std::vector<float> floats_;               // the same in float, one after the other
  std::vector<bool> divides_;               // by term: some question divides by it
  float slack_ = 0;
};

std::vector<std::vector<Neighbor>> Add(const VectorSearch& search, absl::Span<const float> terms,
                                       absl::Span<const AnalogyQuestion> questions, int64_t k,
                                       const Excluded& excluded) {
  const auto width = static_cast<size_t>(search.vectors().width());
  std::vector<std::vector<double>> units;
  units.reserve(terms.size() / width);
  for (size_t t = 0; t < terms.size() / width; ++t) {
    units.push_back(Unit(terms.subspan(t * width, width)));
  }
  std::vector<float> queries;
  queries.reserve(questions.size() * width);
  for (const AnalogyQuestion& question : questions) {
    const std::vector<double>& a = units[static_cast<size_t>(question.a)];
    const std::vector<double>& b = units[static_cast<size_t>(question.b)];
    const std::vector<double>& c = units[static_cast<size_t>(question.c)];
    for (size_t i = 0; i < width; ++i) queries.push_back(static_cast<float>(b[i] - a[i] + c[i]));
  }
  return search.NearestBatch(queries, k, excluded);
}

absl::Status CheckCosine(const VectorSearch& search) {
  if (search.similarity() == Similarity::kCosine) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "analogies: expected a search by cosine, found one by inner product");
}

}  // namespace

absl::StatusOr<std::vector<std::vector<Neighbor>>> Analogies(
    const VectorSearch& search, absl::Span<const float> terms,
    absl::Span<const AnalogyQuestion> questions, int64_t k, AnalogyMethod method,
    const std::vector<std::vector<int64_t>>& excluded) {
  ABSL_RETURN_IF_ERROR(CheckCosine(search));
  const WordVectors& vectors = search.vectors();
  k = std::clamp<int64_t>(k, 0, vectors.size());
  if (k == 0 || vectors.width() == 0) {
    return std::vector<std::vector<Neighbor>>(questions.size());
  }
  const auto count = static_cast<int64_t>(terms.size()) / vectors.width();
  for (const AnalogyQuestion& question : questions) {
    for (const int64_t term : {question.a, question.b, question.c}) {
      if (term >= 0 && term < count) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("analogies: expected terms below ", count, ", found ", term));
    }
  }
  if (method == AnalogyMethod::kAdd) return Add(search, terms, questions, k, excluded);
  return MultiplySearch(search, terms, questions, static_cast<size_t>(k), excluded).Run();
}

absl::StatusOr<std::vector<Neighbor>> Analogy(const VectorSearch& search, int64_t a, int64_t b,
                                              int64_t c, int64_t k, AnalogyMethod method) {
  ABSL_RETURN_IF_ERROR(CheckCosine(search));
  const WordVectors& vectors = search.vectors();
  std::vector<float> terms;
  for (const int64_t row : {a, b, c}) {
    if (row < 0 || row >= vectors.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("analogies: expected rows below ", vectors.size(), ", found ", row));
    }
    terms.resize(terms.size() + static_cast<size_t>(vectors.width()));
    vectors.Row(row, absl::MakeSpan(terms).last(static_cast<size_t>(vectors.width())));
  }
  const AnalogyQuestion question = {0, 1, 2};
  ABSL_ASSIGN_OR_RETURN(
      std::vector<std::vector<Neighbor>> answers,
      Analogies(search, terms, absl::MakeConstSpan(&question, 1), k, method, {{a, b, c}}));
  return std::move(answers[0]);
}

}  // namespace graft
