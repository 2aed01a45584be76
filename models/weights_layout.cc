#include "models/weights_layout.h"

#include <functional>
#include <numeric>

namespace graft {

std::vector<int64_t> SlotLayout::shape() const {
  std::vector<int64_t> whole = parts.front().shape;
  for (size_t i = 1; i < parts.size(); ++i) whole[0] += parts[i].shape[0];
  return whole;
}

std::vector<NamedTensor> NamedParts(const std::vector<SlotLayout>& slots,
                                    const std::vector<at::Tensor>& tensors) {
  std::vector<NamedTensor> named;
  for (size_t s = 0; s < slots.size(); ++s) {
    int64_t row = 0;
    for (const PartLayout& part : slots[s].parts) {
      named.push_back({part.name, tensors[s].narrow(0, row, part.shape[0])});
      row += part.shape[0];
    }
  }
  return named;
}

int64_t CountParameters(const std::vector<SlotLayout>& slots) {
  int64_t count = 0;
  for (const SlotLayout& slot : slots) {
    const std::vector<int64_t> shape = slot.shape();
    count += std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  }
  return count;
}

}  // namespace graft
