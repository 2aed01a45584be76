#include "tokenizers/lanes/id_cache.h"

#include <bit>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

constexpr size_t kFirstSets = 1024;
// Ids outside of the entries, before the cache starts anew.
constexpr size_t kMaxOverflow = size_t{1} << 20;

template <typename Key>
bool IsEmpty(const Key& key) {
  return key.words.back() >> 56 == 0;
}

}  // namespace

namespace id_cache_internal {

constexpr std::array<uint8_t, 2 * kEnd> kMasks = [] {
  std::array<uint8_t, 2 * kEnd> masks{};
  for (size_t i = 0; i < kEnd; ++i) masks[i] = 0xFF;
  return masks;
}();

}  // namespace id_cache_internal

template <size_t kWords>
IdCache<kWords>::IdCache(size_t max_entries) : max_sets_(std::max(max_entries / 2, kFirstSets)) {
  ABSL_CHECK(std::has_single_bit(max_sets_));
  Clear(kFirstSets);
}

template <size_t kWords>
void IdCache<kWords>::Clear(size_t sets) {
  sets_.assign(sets, Set{});
  overflow_.clear();
  set_mask_ = sets - 1;
  used_ = 0;
}

template <size_t kWords>
void IdCache<kWords>::Grow() {
  Sets old(2 * sets_.size());
  old.swap(sets_);
  set_mask_ = sets_.size() - 1;
  used_ = 0;
  for (const Set& set : old) {
    for (const Entry* entry : {&set.entries[1], &set.entries[0]}) {
      if (!IsEmpty(entry->key)) Put(*entry, entry->key.Hash());
    }
  }
}

template <size_t kWords>
void IdCache<kWords>::Put(const Entry& entry, uint64_t hash) {
  Set* set = &sets_[hash & set_mask_];
  for (size_t i = 1; i < kReach && !IsEmpty(set->entries[1].key); ++i) {
    Set& next = sets_[(hash + i) & set_mask_];
    if (IsEmpty(next.entries[1].key)) set = &next;
  }
  if (IsEmpty(set->entries[1].key)) ++used_;
  set->entries[1] = set->entries[0];
  set->entries[0] = entry;
}

template <size_t kWords>
void IdCache<kWords>::Insert(const Key& key, uint64_t hash, absl::Span<const int32_t> ids) {
  if (overflow_.size() > kMaxOverflow) Clear(sets_.size());
  if (4 * used_ >= 3 * sets_.size() && sets_.size() < max_sets_) Grow();
  Entry entry{key, {}, static_cast<uint32_t>(ids.size())};
  if (ids.size() <= kInlineIds) {
    std::copy(ids.begin(), ids.end(), entry.ids);
  } else {
    entry.ids[0] = static_cast<int32_t>(overflow_.size());
    overflow_.insert(overflow_.end(), ids.begin(), ids.end());
  }
  Put(entry, hash);
}

template class IdCache<2>;
template class IdCache<4>;

}  // namespace graft
