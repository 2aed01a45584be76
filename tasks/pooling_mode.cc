#include "tasks/pooling_mode.h"

namespace graft {

std::string_view PoolingModeName(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kCls:
      return "cls";
    case PoolingMode::kMax:
      return "max";
    case PoolingMode::kMean:
      return "mean";
    case PoolingMode::kMeanSqrtLength:
      return "mean_sqrt_len_tokens";
    case PoolingMode::kWeightedMean:
      return "weightedmean";
    case PoolingMode::kLast:
      break;
  }
  return "lasttoken";
}

std::optional<PoolingMode> FindPoolingMode(std::string_view name) {
  for (const PoolingMode mode : kPoolingModes) {
    if (PoolingModeName(mode) == name) return mode;
  }
  return std::nullopt;
}

}  // namespace graft
