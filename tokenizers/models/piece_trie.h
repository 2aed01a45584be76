// All pieces that a text begins with. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_PIECE_TRIE_H_
#define GRAFT_TOKENIZERS_MODELS_PIECE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/huge_page_allocator.h"

namespace graft {

// A trie over bytes as a double array: the child of a node for byte c is unit `base ^ c`, so that
// the children of a node share a block of 256 units (2 KiB) and a step is one look into memory.
// Immutable and thread-safe.
class PieceTrie {
 public:
  // Values are less than this.
  static constexpr uint32_t kMaxValues = (1u << 23) - 1;

  // The keys must be different and not empty.
  explicit PieceTrie(absl::Span<const std::pair<std::string_view, uint32_t>> pieces);

  // Calls found(length, value) for every key that `text` begins with, shortest first.
  template <typename Found>
  void ForEachPrefix(std::string_view text, const Found& found) const {
    uint32_t base = root_base_;
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t byte = static_cast<uint8_t>(text[i]);
      const Unit unit = units_[base ^ byte];
      if (unit.label_and_value >> kLabelShift != (kUsed | byte)) return;
      const uint32_t value = unit.label_and_value & kNoValue;
      if (value != kNoValue) found(i + 1, value);
      base = unit.base;
    }
  }

  // Memory of the units.
  size_t bytes() const { return units_.size() * sizeof(Unit); }

 private:
  // From the top: a bit that tells units in use, the byte that leads here, the value of the key
  // that ends here.
  static constexpr int kLabelShift = 23;
  static constexpr uint32_t kUsed = 256;
  static constexpr uint32_t kNoValue = kMaxValues;

  struct Unit {
    uint32_t base = 0;  // 0 has no children
    uint32_t label_and_value = kNoValue;
  };
  class Builder;

  std::vector<Unit, HugePageAllocator<Unit>> units_;
  uint32_t root_base_ = 0;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_PIECE_TRIE_H_
