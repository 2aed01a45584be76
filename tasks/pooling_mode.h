// The ways of sentence-transformers to make one vector of a text's hidden states.
#ifndef GRAFT_TASKS_POOLING_MODE_H_
#define GRAFT_TASKS_POOLING_MODE_H_

#include <optional>
#include <string_view>

namespace graft {

// In the order in which flags of older files are joined.
enum class PoolingMode {
  kCls,             // first token
  kMax,             // maximum of each component
  kMean,            // mean
  kMeanSqrtLength,  // sum over the square root of the number of tokens
  kWeightedMean,    // mean weighted by position, from 1
  kLast,            // last token
};

inline constexpr PoolingMode kPoolingModes[] = {
    PoolingMode::kCls,          PoolingMode::kMax, PoolingMode::kMean, PoolingMode::kMeanSqrtLength,
    PoolingMode::kWeightedMean, PoolingMode::kLast};

// "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken".
std::string_view PoolingModeName(PoolingMode mode);
std::optional<PoolingMode> FindPoolingMode(std::string_view name);

}  // namespace graft

#endif  // GRAFT_TASKS_POOLING_MODE_H_
