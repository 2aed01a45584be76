#include "embeddings/words.h"

#include <algorithm>
#include <bit>
#include <cstring>
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
    Grow(slots, size());
  }
}

std::string_view WordsBuilder::word(int64_t row) const {
  const uint64_t begin = offsets_[static_cast<size_t>(row)];
  return std::string_view(bytes_).substr(begin, offsets_[static_cast<size_t>(row) + 1] - begin - 1);
}

bool WordsBuilder::Insert(int64_t row, std::string_view word, uint64_t hash) {
  if (const size_t slots = SlotsFor(static_cast<uint64_t>(row) + 1); slots > slots_.size()) {
    Grow(slots, row);
  }
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (((slots_[at] ^ hash) & kHashBits) == 0 &&
        this->word(static_cast<int64_t>(slots_[at] & ~kHashBits) - 1) == word) {
      return false;
    }
  }
  slots_[at] = (hash & kHashBits) | static_cast<uint64_t>(row + 1);
  return true;
}

bool WordsBuilder::Add(std::string_view word) {
  if (!Insert(size(), word, HashWord(word))) return false;
  bytes_ += word;
  bytes_ += '\n';
  offsets_.push_back(bytes_.size());
  return true;
}

std::vector<size_t> WordsBuilder::AddAll(absl::Span<const Key> keys, std::string_view bytes) {
  constexpr size_t kAhead = 8;  // words whose slots are asked for in advance
  std::vector<size_t> repeated;
  int64_t row = size();
  size_t from = bytes_.size(), to = from;
  bytes_ += bytes;
  offsets_.resize(offsets_.size() + keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size() && !slots_.empty()) {
      __builtin_prefetch(&slots_[keys[i + kAhead].hash & (slots_.size() - 1)], 1);
    }
    const size_t with_end = keys[i].size + 1;
    // What follows a word that was there moves up.
    if (from != to) std::memmove(bytes_.data() + to, bytes_.data() + from, with_end);
    from += with_end;
    if (Insert(row, std::string_view(bytes_).substr(to, keys[i].size), keys[i].hash)) {
      to += with_end;
      offsets_[static_cast<size_t>(++row)] = to;
    } else {
      repeated.push_back(i);
    }
  }
  bytes_.resize(to);
  offsets_.resize(static_cast<size_t>(row) + 1);
  return repeated;
}

void WordsBuilder::Grow(size_t slots, int64_t rows) {
  slots_.assign(slots, 0);
  for (int64_t row = 0; row < rows; ++row) {
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
  if (slots_.empty()) Grow(kFewestSlots, 0);
  auto owned = std::make_shared<Owned>();
  owned->bytes = std::exchange(bytes_, {});
  owned->offsets = std::exchange(offsets_, {0});
  owned->slots = std::exchange(slots_, {});
  const Words::Parts parts = {owned->bytes, owned->offsets, owned->slots};
  return Words(parts, std::move(owned));
}

}  // namespace graft
