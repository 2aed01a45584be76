// Memory for large tables. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_HUGE_PAGE_ALLOCATOR_H_
#define GRAFT_TOKENIZERS_HUGE_PAGE_ALLOCATOR_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace graft {

constexpr size_t kHugePage = size_t{2} << 20;

// Asks for huge pages where `bytes` of memory that nobody has touched yet have whole ones in them:
// the first touch of 2 MiB is then one fault and not 512.
inline void AdviseHugePages(void* memory, size_t bytes) {
  constexpr uintptr_t kPage = 4096;
  if (bytes < 2 * kHugePage) return;
  const size_t before = -reinterpret_cast<uintptr_t>(memory) % kPage;  // the first whole page
  ::madvise(static_cast<char*>(memory) + before, (bytes - before) / kPage * kPage, MADV_HUGEPAGE);
}

// A standard allocator that asks for huge pages from 2 MiB on: random looks into a large table
// otherwise wait for page tables. The request comes before the memory is touched; where it is not
// granted, nothing is lost.
template <typename T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <typename U>
  explicit HugePageAllocator(const HugePageAllocator<U>&) {}

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    void* memory = ::operator new(bytes, Alignment(bytes));
    if (bytes >= kHugePage) ::madvise(memory, bytes, MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    ::operator delete(memory, Alignment(count * sizeof(T)));
  }
  bool operator==(const HugePageAllocator&) const { return true; }

 private:
  static std::align_val_t Alignment(size_t bytes) {
    return std::align_val_t(bytes >= kHugePage ? kHugePage : alignof(T));
  }
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_HUGE_PAGE_ALLOCATOR_H_
