#include "tokenizers/lanes/chunk_edges.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tokenizers/lanes/chunk_edges.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Bit i: byte i of the block is whitespace, or a space with kSpacesOnly.
template <bool kSpacesOnly>
HWY_INLINE uint64_t FindWhitespace(const uint8_t* block) {
  const hn::CappedTag<uint8_t, kEdgeBlock> d;
  const size_t lanes = hn::Lanes(d);
  uint64_t mask = 0;
  for (size_t i = 0; i < kEdgeBlock; i += lanes) {
    const auto v = hn::LoadU(d, block + i);
    auto white = hn::Eq(v, hn::Set(d, ' '));
    if constexpr (!kSpacesOnly) {
      white = hn::Or(hn::Or(white, hn::Eq(v, hn::Set(d, '\t'))),
                     hn::Or(hn::Eq(v, hn::Set(d, '\n')), hn::Eq(v, hn::Set(d, '\r'))));
    }
    uint64_t bits = 0;
    hn::StoreMaskBits(d, white, reinterpret_cast<uint8_t*>(&bits));
    mask |= bits << i;
  }
  return mask;
}

template <bool kSpacesOnly>
HWY_INLINE size_t FindEdges(const char* text, size_t blocks, uint16_t* edges) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text);
  size_t count = 0;
  uint64_t carry = 1;  // whitespace before the text
  for (size_t block = 0; block < blocks; ++block) {
    const uint64_t mask = FindWhitespace<kSpacesOnly>(bytes + block * kEdgeBlock);
    uint64_t changes = mask ^ (mask << 1 | carry);
    carry = mask >> 63;
    const size_t end = count + static_cast<size_t>(std::popcount(changes));
    // Always eight at a time, so that the loop ends where the processor expects it; what is too
    // much is overwritten by the next block.
    for (; count < end; count += 8) {
      for (size_t i = 0; i < 8; ++i) {
        edges[count + i] = static_cast<uint16_t>(block * kEdgeBlock + std::countr_zero(changes));
        changes &= changes - 1;
      }
    }
    count = end;
  }
  return count;
}

size_t FindChunkEdges(const char* text, size_t blocks, uint16_t* edges) {
  return FindEdges<false>(text, blocks, edges);
}
size_t FindSpacedEdges(const char* text, size_t blocks, uint16_t* edges) {
  return FindEdges<true>(text, blocks, edges);
}

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(FindChunkEdges);
HWY_EXPORT(FindSpacedEdges);

size_t FindChunkEdges(const char* text, size_t blocks, uint16_t* edges) {
  return HWY_DYNAMIC_DISPATCH(FindChunkEdges)(text, blocks, edges);
}

size_t FindSpacedEdges(const char* text, size_t blocks, uint16_t* edges) {
  return HWY_DYNAMIC_DISPATCH(FindSpacedEdges)(text, blocks, edges);
}

}  // namespace graft
#endif
