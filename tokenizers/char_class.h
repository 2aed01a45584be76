// \p{L}, \p{N} and \s as the regular expressions of the peer (tokenizers 0.23.3) see them: ICU's
// data with the differences of char_class_differences.inc applied. Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_CHAR_CLASS_H_
#define GRAFT_TOKENIZERS_CHAR_CLASS_H_

#include <array>
#include <atomic>
#include <cstdint>

namespace graft {

enum class CharClass : uint8_t { kSpace, kLetter, kNumber, kOther };

namespace char_class_internal {

inline constexpr int kPageBits = 8;
using Page = std::array<CharClass, 1 << kPageBits>;
extern std::array<std::atomic<const Page*>, (0x110000 >> kPageBits)> pages;
// Fills the page and publishes it. Thread-safe.
const Page& MakePage(uint32_t number);

}  // namespace char_class_internal

// Requires code < 0x110000. Thread-safe; the first look at a page of 256 characters asks ICU.
inline CharClass ClassOf(char32_t code) {
  using char_class_internal::kPageBits;
  const auto* page = char_class_internal::pages[code >> kPageBits].load(std::memory_order_acquire);
  if (page == nullptr) page = &char_class_internal::MakePage(code >> kPageBits);
  return (*page)[code & ((1 << kPageBits) - 1)];
}

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_CHAR_CLASS_H_
