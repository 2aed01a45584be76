// A cache from short byte strings to token ids. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_ID_CACHE_H_
#define GRAFT_TOKENIZERS_LANES_ID_CACHE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/huge_page_allocator.h"

namespace graft {

// Up to 8 * kWords - 1 bytes, padded with zeros, and their number in the last byte. A key of length
// 0 stands for "no entry".
template <size_t kWords>
struct CacheKey {
  static_assert(kWords % 2 == 0 && kWords <= 4);
  static constexpr size_t kBytes = 8 * kWords;
  static constexpr size_t kMaxBytes = kBytes - 1;

  std::array<uint64_t, kWords> words;

  // 0 for the same key.
  uint64_t Difference(const CacheKey& other) const {
    uint64_t different = 0;
    for (size_t i = 0; i < kWords; ++i) different |= words[i] ^ other.words[i];
    return different;
  }
  bool operator==(const CacheKey& other) const { return Difference(other) == 0; }
  uint64_t Hash() const {
    uint64_t hash = 0;
    for (size_t i = 0; i < kWords; i += 2) {
      const auto product = static_cast<unsigned __int128>(words[i] ^ 0x9E3779B97F4A7C15) *
                           (words[i + 1] ^ 0xC2B2AE3D27D4EB4F);
      hash = hash * 3 + (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64));
    }
    return hash;
  }

  // Key of the first `length` of the bytes at `data`, kBytes of which must be readable; length <=
  // kMaxBytes. With `folds` capital letters of ASCII count as small ones.
  static CacheKey FromReadable(const char* data, size_t length, bool folds = false);
  // The same for bytes that may be the last ones in memory.
  static CacheKey From(std::string_view bytes) {
    char buffer[kBytes] = {};
    std::memcpy(buffer, bytes.data(), bytes.size());
    return FromReadable(buffer, bytes.size());
  }
};

// A hash table of small sets: a key is in its set or in one of the next two. Starts small and
// doubles when it is 3/8 full, up to a fixed size; from then on older keys give way. What it holds
// is a function of what was put in; a lost entry costs time only. One thread at a time.
template <size_t kWords>
class IdCache {
 public:
  using Key = CacheKey<kWords>;
  static constexpr size_t kInlineIds = 2 * kWords - 1;

  struct Entry {
    Key key;
    int32_t ids[kInlineIds];
    // How many ids; from kInlineIds + 1 on, ids[0] is where they begin in the overflow.
    uint32_t count;
  };
  static_assert(sizeof(Entry) == 2 * sizeof(Key));

  // `max_entries` must be a power of two.
  explicit IdCache(size_t max_entries);

  void Prefetch(uint64_t hash) const { __builtin_prefetch(&sets_[hash & set_mask_]); }

  // The entry of a key when it stands where most do; nullptr says nothing.
  const Entry* FindFirst(const Key& key, uint64_t hash) const {
    return FindIn(sets_[hash & set_mask_], key);
  }
  // The entry of a key; nullptr when there is none.
  const Entry* Find(const Key& key, uint64_t hash) const {
    for (size_t i = 0; i < kReach; ++i) {
      if (const Entry* entry = FindIn(sets_[(hash + i) & set_mask_], key)) return entry;
    }
    return nullptr;
  }
  absl::Span<const int32_t> Ids(const Entry& entry) const {
    if (entry.count <= kInlineIds) return {entry.ids, entry.count};
    return absl::MakeConstSpan(overflow_).subspan(static_cast<size_t>(entry.ids[0]), entry.count);
  }

  // The ids of a key; those that are not there are made by encode() and added. Valid until the
  // next call.
  template <typename Encode>
  absl::Span<const int32_t> Get(const Key& key, const Encode& encode) {
    const uint64_t hash = key.Hash();
    if (const Entry* entry = Find(key, hash)) return Ids(*entry);
    const absl::Span<const int32_t> ids = encode();
    Insert(key, hash, ids);
    return ids;
  }

  // Adds a key that is not there.
  void Insert(const Key& key, uint64_t hash, absl::Span<const int32_t> ids);

 private:
  struct alignas(64) Set {
    Entry entries[2];  // the newer one first
  };
  using Sets = std::vector<Set, HugePageAllocator<Set>>;

  static const Entry* FindIn(const Set& set, const Key& key) {
    // No branch on which of the two it is: that is hard to foresee.
    const uint64_t newer = set.entries[0].key.Difference(key);
    const uint64_t older = set.entries[1].key.Difference(key);
    return std::min(newer, older) == 0 ? &set.entries[newer == 0 ? 0 : 1] : nullptr;
  }
  static constexpr size_t kReach = 3;  // sets that a key may be in

  void Clear(size_t sets);
  void Grow();
  void Put(const Entry& entry, uint64_t hash);

  const size_t max_sets_;
  Sets sets_;
  std::vector<int32_t> overflow_;
  size_t set_mask_ = 0;
  size_t used_ = 0;  // entries
};

namespace id_cache_internal {

// Read at kEnd - length it keeps the first `length` bytes.
inline constexpr size_t kEnd = 32;
extern const std::array<uint8_t, 2 * kEnd> kMasks;

}  // namespace id_cache_internal

template <size_t kWords>
CacheKey<kWords> CacheKey<kWords>::FromReadable(const char* data, size_t length, bool folds) {
  // Sixteen bytes in a vector register, which every x86-64 has. Words by words it would be written
  // in halves and read as a whole, for which processors wait.
  using Vector __attribute__((vector_size(16))) = uint8_t;
  const uint8_t fold = folds ? 0x20 : 0;
  CacheKey key;
  for (size_t i = 0; i < kWords; i += 2) {
    Vector bytes, mask;
    std::memcpy(&bytes, data + 8 * i, sizeof(bytes));
    std::memcpy(&mask, &id_cache_internal::kMasks[id_cache_internal::kEnd - length + 8 * i],
                sizeof(mask));
    bytes &= mask;
    bytes |= reinterpret_cast<Vector>(bytes - 'A' < 26) & fold;
    std::memcpy(&key.words[i], &bytes, sizeof(bytes));
  }
  key.words[kWords - 1] |= static_cast<uint64_t>(length) << 56;
  return key;
}

extern template class IdCache<2>;
extern template class IdCache<4>;

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_ID_CACHE_H_
