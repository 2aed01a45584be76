// The merges of byte-pair encoding. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_MERGE_TABLE_H_
#define GRAFT_TOKENIZERS_MODELS_MERGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tokenizers/huge_page_allocator.h"

namespace graft {

// A part of a word: a token that covers `length` bytes.
struct Symbol {
  int32_t id;
  uint32_t length;
};

// Which pairs of neighbouring tokens become one, and in which order. Filled once, then immutable
// and thread-safe.
class MergeTable {
 public:
  // Room for `merges` merges.
  explicit MergeTable(size_t merges);

  // Of pairs that stand side by side the one that was added first is merged first. False when the
  // pair is there already.
  bool Add(int32_t left, int32_t right, int32_t merged);
  size_t size() const { return size_; }

  // Merges as often as it can: always the pair of the best rank, of equals the first. The symbols
  // that remain are moved to the front; returns their number. O(n log n).
  size_t Apply(Symbol* symbols, size_t count) const;

 private:
  // An empty slot has `left` < 0.
  struct Slot {
    int32_t left = -1;
    int32_t right = -1;
    uint32_t rank = 0;
    int32_t merged = 0;
  };
  static constexpr uint32_t kNoRank = UINT32_MAX;

  const Slot* Find(int32_t left, int32_t right) const;
  uint32_t Rank(const Symbol& left, const Symbol& right) const {
    const Slot* slot = Find(left.id, right.id);
    return slot != nullptr ? slot->rank : kNoRank;
  }
  size_t FirstSlot(int32_t left, int32_t right) const {
    const uint64_t pair =
        static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
    return pair * 0x9E3779B97F4A7C15 >> shift_;
  }
  size_t ApplyToShort(Symbol* symbols, size_t count) const;
  size_t ApplyToLong(Symbol* symbols, size_t count) const;

  std::vector<Slot, HugePageAllocator<Slot>> slots_;
  std::vector<int32_t> merged_by_rank_;
  size_t mask_ = 0;
  int shift_ = 0;
  size_t size_ = 0;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_MERGE_TABLE_H_
