// The ways of sentence-transformers to make one vector of a text's hidden states.
#ifndef GRAFT_TASKS_POOLING_MODE_H_
#define GRAFT_TASKS_POOLING_MODE_H_

#include <string_view>

namespace graft {

enum class PoolingMode {
  kCls,             // first token
  kMax,             // maximum of each component
  kMean,            // mean
  kMeanSqrtLength,  // sum over the square root of the number of tokens
  kWeightedMean,    // mean weighted by position, from 1
  kLast,            // last token
};

// "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken".
std::string_view PoolingModeName(PoolingMode mode);

}  // namespace graft

#endif  // GRAFT_TASKS_POOLING_MODE_H_
