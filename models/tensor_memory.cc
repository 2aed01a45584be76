#include "models/tensor_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <atomic>
#include <cstddef>
#include <cstring>

namespace graft {
namespace {

std::atomic<int64_t> bytes_now{0};
std::atomic<int64_t> bytes_peak{0};

// In front of each block, so that freeing knows the size; as wide as LibTorch's alignment.
constexpr size_t kHeader = 64;

void Free(void* data) {
  if (data == nullptr) return;
  char* block = static_cast<char*>(data) - kHeader;
  size_t size;
  std::memcpy(&size, block, sizeof(size));
  bytes_now -= static_cast<int64_t>(size);
  c10::free_cpu(block);
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    if (size == 0) return {nullptr, nullptr, &Free, c10::Device(c10::DeviceType::CPU)};
    auto* block = static_cast<char*>(c10::alloc_cpu(size + kHeader));
    std::memcpy(block, &size, sizeof(size));
    const int64_t now = bytes_now += static_cast<int64_t>(size);
    int64_t peak = bytes_peak;
    while (now > peak && !bytes_peak.compare_exchange_weak(peak, now)) {
    }
    void* data = block + kHeader;
    return {data, data, &Free, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }
};

}  // namespace

void CountTensorMemory() {
  static CountingAllocator allocator;
  constexpr uint8_t kAboveDefault = 1;
  c10::SetCPUAllocator(&allocator, kAboveDefault);
}

TensorMemory CurrentTensorMemory() { return {bytes_now, bytes_peak}; }

void ResetPeakTensorMemory() { bytes_peak = bytes_now.load(); }

}  // namespace graft
