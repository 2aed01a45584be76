// A cache from short byte strings to token ids. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_ID_CACHE_H_
#define GRAFT_TOKENIZERS_ID_CACHE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// Up to 15 bytes, padded with zeros, and their number in the last byte. A key of length 0 stands
// for "no entry".
struct CacheKey {
  static constexpr size_t kMaxBytes = 15;

  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const CacheKey&) const = default;
  uint64_t Hash() const {
    const auto product =
        static_cast<unsigned __int128>(low ^ 0x9E3779B97F4A7C15) * (high ^ 0xC2B2AE3D27D4EB4F);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  // Key of bytes that have at least 16 readable bytes from `data` on; length <= kMaxBytes.
  static CacheKey FromReadable(const char* data, size_t length) {
    CacheKey key;
    std::memcpy(&key.low, data, 8);
    std::memcpy(&key.high, data + 8, 8);
    const uint64_t bits = 8 * length;
    key.low &= bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    key.high &= bits <= 64 ? 0 : (uint64_t{1} << (bits - 64)) - 1;
    key.high |= static_cast<uint64_t>(length) << 56;
    return key;
  }
  static CacheKey From(std::string_view bytes) {
    char buffer[16] = {};
    std::memcpy(buffer, bytes.data(), bytes.size());
    return FromReadable(buffer, bytes.size());
  }
};

// Two-way set associative, one set per cache line; starts small and doubles while it fills, up to
// a fixed size. What it holds is a function of what was put in; a lost entry costs time only. One
// thread at a time.
class IdCache {
 public:
  static constexpr size_t kInlineIds = 3;

  struct Entry {
    CacheKey key;
    int32_t ids[kInlineIds] = {};
    // How many ids; from kInlineIds + 1 on, ids[0] is where they begin in the overflow.
    uint32_t count = 0;
  };

  explicit IdCache(size_t max_entries);

  void Prefetch(uint64_t hash) const { __builtin_prefetch(&sets_[hash & set_mask_]); }

  // The entry of a key; nullptr when there is none.
  const Entry* Find(const CacheKey& key, uint64_t hash) const {
    const Set& set = sets_[hash & set_mask_];
    if (set.newer.key == key) return &set.newer;
    if (set.older.key == key) return &set.older;
    return nullptr;
  }
  absl::Span<const int32_t> Ids(const Entry& entry) const {
    if (entry.count <= kInlineIds) return {entry.ids, entry.count};
    return absl::MakeConstSpan(overflow_).subspan(static_cast<size_t>(entry.ids[0]), entry.count);
  }

  // Adds a key that is not there; the older key of a full set gives way.
  void Insert(const CacheKey& key, uint64_t hash, absl::Span<const int32_t> ids);

 private:
  struct alignas(64) Set {
    Entry newer;
    Entry older;
  };
  void Clear(size_t sets);
  void Grow();

  const size_t max_sets_;
  std::vector<Set> sets_;
  std::vector<int32_t> overflow_;
  size_t set_mask_ = 0;
  size_t inserted_ = 0;  // since the last Clear or Grow
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_ID_CACHE_H_
