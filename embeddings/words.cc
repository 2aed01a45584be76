#include "embeddings/words.h"

#include <algorithm>
#include <bit>
#include <utility>

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace graft {
namespace {

constexpr uint64_t kHashBits = 0xFFFFFFFF00000000u;
constexpr size_t kFewestSlots = 16;

// At most four of five places are taken: a search that fails looks at a dozen, in two cache lines.
size_t SlotsFor(uint64_t words) {
  return std::max(kFewestSlots, std::bit_ceil(words + words / 4 + 1));
}

}  // namespace

uint64_t HashWord(std::string_view word) { return XXH3_64bits(word.data(), word.size()); }

std::string_view Words::operator[](int64_t row) const {
  const uint64_t begin = parts_.offsets[static_cast<size_t>(row)];
  const uint64_t end = parts_.offsets[static_cast<size_t>(row) + 1];
  // Only in a damaged file.
  if (begin >= end || end > parts_.bytes.size()) return {};
  return parts_.bytes.substr(begin, end - begin - 1);
}

std::optional<int64_t> Words::Find(std::string_view word) const {
  const absl::Span<const uint64_t> slots = parts_.slots;
  if (slots.empty()) return std::nullopt;
  const uint64_t hash = HashWord(word);
  size_t at = hash & (slots.size() - 1);
  // A damaged table may have no free place.
  for (size_t probes = 0; probes < slots.size(); ++probes) {
    const uint64_t slot = slots[at];
    if (slot == 0) return std::nullopt;
    if (((slot ^ hash) & kHashBits) == 0) {
      const auto row = static_cast<int64_t>(slot & ~kHashBits) - 1;
      if (row >= 0 && row < size() && (*this)[row] == word) return row;
    }
    at = (at + 1) & (slots.size() - 1);
  }
  return std::nullopt;
}

void WordsBuilder::Reserve(int64_t words, size_t bytes) {
  bytes_.reserve(bytes);
  offsets_.reserve(static_cast<size_t>(words) + 1);
  if (const size_t slots = SlotsFor(static_cast<uint64_t>(words)); slots > slots_.size()) {
    Grow(slots);
  }
}

std::string_view WordsBuilder::word(int64_t row) const {
  const uint64_t begin = offsets_[static_cast<size_t>(row)];
  return std::string_view(bytes_).substr(begin, offsets_[static_cast<size_t>(row) + 1] - begin - 1);
}

void WordsBuilder::Prefetch(uint64_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)], 1);
}

bool WordsBuilder::Add(std::string_view word, uint64_t hash) {
  const auto words = static_cast<uint64_t>(size());
  if (SlotsFor(words + 1) > slots_.size()) Grow(SlotsFor(words + 1));
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (((slots_[at] ^ hash) & kHashBits) == 0 &&
        this->word(static_cast<int64_t>(slots_[at] & ~kHashBits) - 1) == word) {
      return false;
    }
  }
  slots_[at] = (hash & kHashBits) | (words + 1);
  bytes_ += word;
  bytes_ += '\n';
  offsets_.push_back(bytes_.size());
  return true;
}

void WordsBuilder::Grow(size_t slots) {
  slots_.assign(slots, 0);
  for (int64_t row = 0; row < size(); ++row) {
    const uint64_t hash = HashWord(word(row));
    size_t at = hash & (slots - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots - 1);
    slots_[at] = (hash & kHashBits) | static_cast<uint64_t>(row + 1);
  }
}

Words WordsBuilder::Finish() {
  struct Owned {
    std::string bytes;
    std::vector<uint64_t> offsets, slots;
  };
  if (slots_.empty()) Grow(kFewestSlots);
  auto owned = std::make_shared<Owned>();
  owned->bytes = std::exchange(bytes_, {});
  owned->offsets = std::exchange(offsets_, {0});
  owned->slots = std::exchange(slots_, {});
  const Words::Parts parts = {owned->bytes, owned->offsets, owned->slots};
  return Words(parts, std::move(owned));
}

}  // namespace graft
