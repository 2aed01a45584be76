// Properties of characters as the peer (tokenizers 0.23.3) sees them: ICU's data with the
// differences of unicode_differences.inc applied. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_UNICODE_H_
#define GRAFT_TOKENIZERS_UNICODE_H_

#include <array>
#include <atomic>
#include <cstdint>

namespace graft {

enum CharFlag : uint16_t {
  kControl = 1,           // removed by clean_text: Cc but tab and line ends, Cf, Co, U+0000, U+FFFD
  kWhitespace = 2,        // White_Space
  kPunctuation = 4,       // P*, and all of ASCII that is no letter, digit, space or control
  kNonspacingMark = 8,    // Mn
  kCjk = 16,              // the blocks that BERT calls Chinese characters
  kDecomposes = 32,       // its canonical decomposition is not itself
  kWordCharacter = 64,    // \w of regular expressions
  kLowersToTwo = 128,     // U+0130 becomes 'i' and U+0307; `lower` is the first of them
  kCombiningMark = 256,   // M*, as StripAccents sees it
  kNumeric = 512,         // N*, as Digits sees it
  kCompatibility = 1024,  // NFKD is not NFD
  kLetter = 2048,         // \p{L} of patterns
  kNumber = 4096,         // \p{N} of patterns
};

struct CharInfo {
  char32_t lower;           // lower case, itself when it has none
  uint16_t flags;           // CharFlag
  uint8_t combining_class;  // canonical combining class, 0 for starters
};

namespace unicode_internal {

inline constexpr int kPageBits = 8;
using Page = std::array<CharInfo, 1 << kPageBits>;
extern std::array<std::atomic<const Page*>, (0x110000 >> kPageBits)> pages;
// Fills the page and publishes it. Thread-safe.
const Page& MakePage(uint32_t number);

}  // namespace unicode_internal

// Requires code < 0x110000. Thread-safe; the first look at a page of 256 characters asks ICU.
inline const CharInfo& LookUpChar(char32_t code) {
  using unicode_internal::kPageBits;
  const auto* page = unicode_internal::pages[code >> kPageBits].load(std::memory_order_acquire);
  if (page == nullptr) page = &unicode_internal::MakePage(code >> kPageBits);
  return (*page)[code & ((1 << kPageBits) - 1)];
}

// The second character of what a kLowersToTwo character becomes.
inline constexpr char32_t kSecondOfLower = 0x0307;

inline constexpr int kNoScript = -1;
// The script as UScriptCode, kNoScript for unassigned characters. Thread-safe.
int LookUpScript(char32_t code);

// The character that ICU's regular expressions are to see in place of this one, of the same length
// in UTF-16: their tables are older than those of the peer's. Thread-safe.
char32_t PatternStandIn(char32_t code);

inline constexpr int kMaxDecomposition = 4;
// Full canonical decomposition (NFD, without reordering); returns its length. Thread-safe.
int DecomposeCanonically(char32_t code, std::array<char32_t, kMaxDecomposition>& out);

inline constexpr int kMaxCompatibilityDecomposition = 18;
// The same for NFKD.
int DecomposeCompatibly(char32_t code, std::array<char32_t, kMaxCompatibilityDecomposition>& out);

// The canonical composition of two characters, 0 when there is none. Thread-safe.
char32_t Compose(char32_t first, char32_t second);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_UNICODE_H_
