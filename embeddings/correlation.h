// Correlations of two lists of numbers. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_CORRELATION_H_
#define GRAFT_EMBEDDINGS_CORRELATION_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// As many numbers in both, none of them NaN. nullopt where it is not defined: less than two
// numbers, or one list whose numbers are all equal.
std::optional<double> Pearson(absl::Span<const double> x, absl::Span<const double> y);
// Pearson's of the ranks.
std::optional<double> Spearman(absl::Span<const double> x, absl::Span<const double> y);
// From 1 on; equal numbers have the mean of the ranks that they take together.
std::vector<double> AverageRanks(absl::Span<const double> numbers);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_CORRELATION_H_
