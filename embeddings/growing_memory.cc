#include "embeddings/growing_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace graft {
namespace {

constexpr uint64_t kPage = 4096;
// Large pages save a fault for each small one; they pay from some of them on. They begin and end at
// their own multiples, and so do the range and the steps in which it grows.
constexpr uint64_t kLargePage = uint64_t{2} << 20;
constexpr uint64_t kLargePagesFrom = uint64_t{8} << 20;
constexpr uint64_t kStep = uint64_t{16} << 20;

uint64_t RoundUp(uint64_t bytes, uint64_t page) { return (bytes + page - 1) / page * page; }
uint64_t WholePages(uint64_t bytes) { return RoundUp(bytes, kPage); }

}  // namespace

absl::StatusOr<GrowingMemory> GrowingMemory::Reserve(uint64_t max_bytes,
                                                     const std::string& source) {
  constexpr uint64_t kAddresses = uint64_t{1} << 46;
  const bool large = max_bytes >= kLargePagesFrom;
  const uint64_t bytes =
      RoundUp(std::clamp<uint64_t>(max_bytes, 1, kAddresses), large ? kLargePage : kPage);
  const uint64_t more = large ? kLargePage - kPage : 0;
  void* const data = max_bytes > kAddresses
                         ? MAP_FAILED
                         : ::mmap(nullptr, bytes + more, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat(source, ": no room for a matrix of up to ", max_bytes, " bytes"));
  }
  auto* begin = static_cast<std::byte*>(data);
  if (large) {
    const auto address = reinterpret_cast<uintptr_t>(data);
    const uint64_t before = RoundUp(address, kLargePage) - address;
    if (before > 0) ::munmap(begin, before);
    begin += before;
    if (before < more) ::munmap(begin + bytes, more - before);
  }
  return GrowingMemory(begin, bytes, source);
}

GrowingMemory::GrowingMemory(GrowingMemory&& other) noexcept { *this = std::move(other); }

GrowingMemory& GrowingMemory::operator=(GrowingMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(reserved_, other.reserved_);
  std::swap(usable_, other.usable_);
  std::swap(size_, other.size_);
  std::swap(source_, other.source_);
  return *this;
}

GrowingMemory::~GrowingMemory() {
  if (data_ != nullptr) ::munmap(data_, reserved_);
}

absl::Status GrowingMemory::Grow(uint64_t bytes) {
  if (bytes > usable_) {
    const uint64_t wanted = std::min(reserved_, RoundUp(bytes + kStep, kLargePage));
    if (bytes > reserved_ ||
        ::mprotect(data_ + usable_, wanted - usable_, PROT_READ | PROT_WRITE) != 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat(source_, ": no memory for a matrix of ", bytes, " bytes"));
    }
    usable_ = wanted;
    if (reserved_ >= kLargePagesFrom) ::madvise(data_, usable_, MADV_HUGEPAGE);
  }
  size_ = std::max(size_, bytes);
  return absl::OkStatus();
}

void GrowingMemory::Trim(uint64_t bytes) {
  const uint64_t kept = std::max(WholePages(bytes), kPage);
  if (kept < reserved_) {
    ::munmap(data_ + kept, reserved_ - kept);
    reserved_ = kept;
    usable_ = std::min(usable_, kept);
  }
  size_ = std::min(size_, bytes);
}

}  // namespace graft
