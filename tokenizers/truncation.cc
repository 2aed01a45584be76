#include "tokenizers/truncation.h"

#include <algorithm>

namespace graft {
namespace {

std::pair<size_t, size_t> LongestFirst(size_t first, size_t second, size_t most) {
  const bool swapped = first > second;
  size_t shorter = std::min(first, second);
  size_t longer = shorter > most ? shorter : std::max(shorter, most - shorter);
  if (shorter + longer > most) {
    shorter = most / 2;
    longer = shorter + most % 2;
  }
  return swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

}  // namespace

std::pair<size_t, size_t> TruncatedSizes(size_t first, size_t second, size_t most,
                                         Truncation strategy) {
  if (first + second <= most) return {first, second};
  const size_t surplus = first + second - most;
  switch (strategy) {
    case Truncation::kOnlyFirst:
      return {first - std::min(first, surplus), second};
    case Truncation::kOnlySecond:
      return {first, second - std::min(second, surplus)};
    case Truncation::kLongestFirst:
      break;
  }
  return LongestFirst(first, second, most);
}

std::vector<TokenWindow> TruncationWindows(size_t size, size_t keep, size_t stride,
                                           TruncationSide side, bool all) {
  if (keep >= size) return {{0, size}};
  const bool right = side == TruncationSide::kRight;
  // Windows as if the right side was cut; for the left side they are turned around.
  std::vector<TokenWindow> windows = {{0, keep}};
  if (keep == 0) {
    // Nothing stays, so what is left over is one window.
    if (all) windows.push_back({0, size});
  } else {
    const size_t step = keep - std::min(stride, keep - 1);
    while (all && windows.back().end < size) {
      const size_t begin = windows.back().begin + step;
      windows.push_back({begin, std::min(begin + keep, size)});
    }
  }
  if (!right) {
    for (TokenWindow& window : windows) window = {size - window.end, size - window.begin};
  }
  return windows;
}

}  // namespace graft
