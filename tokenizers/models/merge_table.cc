#include "tokenizers/models/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <queue>

namespace graft {
namespace {

// Rows up to here are scanned for the best pair again and again.
constexpr size_t kShort = 64;
constexpr uint32_t kNone = UINT32_MAX;

// A pair that may be merged; smaller ones first.
uint64_t Candidate(uint32_t rank, size_t place) { return uint64_t{rank} << 32 | place; }

}  // namespace

MergeTable::MergeTable(size_t merges) {
  // At most half full.
  const size_t slots = std::bit_ceil(std::max<size_t>(2 * merges, 16));
  slots_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
  merged_by_rank_.reserve(merges);
}

bool MergeTable::Add(int32_t left, int32_t right, int32_t merged) {
  size_t at = FirstSlot(left, right);
  for (; slots_[at].left >= 0; at = (at + 1) & mask_) {
    if (slots_[at].left == left && slots_[at].right == right) return false;
  }
  slots_[at] = {left, right, static_cast<uint32_t>(size_), merged};
  merged_by_rank_.push_back(merged);
  ++size_;
  return true;
}

const MergeTable::Slot* MergeTable::Find(int32_t left, int32_t right) const {
  for (size_t at = FirstSlot(left, right); slots_[at].left >= 0; at = (at + 1) & mask_) {
    if (slots_[at].left == left && slots_[at].right == right) return &slots_[at];
  }
  return nullptr;
}

size_t MergeTable::Apply(Symbol* symbols, size_t count) const {
  return count <= kShort ? ApplyToShort(symbols, count) : ApplyToLong(symbols, count);
}

size_t MergeTable::ApplyToShort(Symbol* symbols, size_t count) const {
  std::array<uint32_t, kShort> ranks;  // of a symbol and the next one
  for (size_t i = 0; i + 1 < count; ++i) ranks[i] = Rank(symbols[i], symbols[i + 1]);
  while (count > 1) {
    const size_t pairs = count - 1;
    uint32_t best = kNoRank;
    for (size_t i = 0; i < pairs; ++i) best = std::min(best, ranks[i]);
    if (best == kNoRank) break;
    const size_t at = std::find(ranks.begin(), ranks.begin() + pairs, best) - ranks.begin();
    symbols[at] = {merged_by_rank_[best], symbols[at].length + symbols[at + 1].length};
    std::copy(symbols + at + 2, symbols + count, symbols + at + 1);
    std::copy(ranks.begin() + at + 1, ranks.begin() + pairs, ranks.begin() + at);
    --count;
    if (at > 0) ranks[at - 1] = Rank(symbols[at - 1], symbols[at]);
    if (at + 1 < count) ranks[at] = Rank(symbols[at], symbols[at + 1]);
  }
  return count;
}

size_t MergeTable::ApplyToLong(Symbol* symbols, size_t count) const {
  // Neighbours of the symbols that are left, and the rank of each with its next one.
  struct Link {
    uint32_t previous, next, rank;
  };
  std::vector<Link> links(count);
  std::vector<uint64_t> first;
  const auto rank_of = [&](size_t at) {
    const uint32_t next = links[at].next;
    return next == kNone ? kNoRank : Rank(symbols[at], symbols[next]);
  };
  for (size_t i = 0; i < count; ++i) {
    links[i].previous = i == 0 ? kNone : static_cast<uint32_t>(i - 1);
    links[i].next = i + 1 == count ? kNone : static_cast<uint32_t>(i + 1);
    links[i].rank = rank_of(i);
    if (links[i].rank != kNoRank) first.push_back(Candidate(links[i].rank, i));
  }
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue(std::greater<>(),
                                                                             std::move(first));
  const auto update = [&](size_t at) {
    links[at].rank = rank_of(at);
    if (links[at].rank != kNoRank) queue.push(Candidate(links[at].rank, at));
  };
  while (!queue.empty()) {
    const auto rank = static_cast<uint32_t>(queue.top() >> 32);
    const auto at = static_cast<uint32_t>(queue.top());
    queue.pop();
    if (links[at].rank != rank) continue;  // another merge took one of the two
    const uint32_t right = links[at].next;
    symbols[at] = {merged_by_rank_[rank], symbols[at].length + symbols[right].length};
    links[at].next = links[right].next;
    links[right].rank = kNoRank;
    if (links[at].next != kNone) links[links[at].next].previous = at;
    update(at);
    if (links[at].previous != kNone) update(links[at].previous);
  }
  size_t left = 0;
  for (uint32_t at = 0; at != kNone; at = links[at].next) symbols[left++] = symbols[at];
  return left;
}

}  // namespace graft
