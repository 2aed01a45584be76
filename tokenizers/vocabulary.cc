#include "tokenizers/vocabulary.h"

#include <algorithm>
#include <bit>

namespace graft {

Vocabulary::Vocabulary(std::string text, std::vector<Span> tokens)
    : text_(std::move(text)), tokens_(std::move(tokens)) {
  // At most half full.
  const size_t slots = std::bit_ceil(std::max<size_t>(2 * tokens_.size(), 16));
  slots_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
  for (size_t i = 0; i < tokens_.size(); ++i) Insert(static_cast<int32_t>(i));
}

void Vocabulary::Insert(int32_t id) {
  const std::string_view bytes = token(id);
  longest_ = std::max(longest_, bytes.size());
  const Hash hash = Extend(kEmptyHash, bytes);
  const uint32_t tag = static_cast<uint32_t>(hash);
  size_t slot = hash >> shift_;
  for (; slots_[slot].id >= 0; slot = (slot + 1) & mask_) {
    if (slots_[slot].tag == tag && token(slots_[slot].id) == bytes) {
      if (!duplicate_) duplicate_ = {slots_[slot].id, id};
      return;
    }
  }
  slots_[slot] = {tag, id};
}

}  // namespace graft
