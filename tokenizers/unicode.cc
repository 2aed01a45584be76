#include "tokenizers/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "tokenizers/unicode_data.h"

namespace graft {
namespace {

using unicode_internal::kPageBits;
using unicode_internal::Nfd;
using unicode_internal::Nfkd;
using unicode_internal::Page;

// Where the peer's data differ from those of ICU 72 (Unicode 15.0). Ranges are inclusive.
struct FlagDifference {
  char32_t first, last;
  CharFlag flag;
  bool value;
};
struct ClassDifference {
  char32_t first, last;
  uint8_t combining_class;
};
struct LowerDifference {
  char32_t code, lower;
};
struct StandIn {
  char32_t first, last, stand_in;
};
struct ScriptDifference {
  char32_t first, last;
  int script;
};
#include "tokenizers/unicode_differences.inc"

struct Range {
  char32_t first, last;
};
// What BERT's own code lists; some later extension blocks are not in it.
constexpr Range kCjkBlocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};

// A newer ICU knows characters that the differences do not speak of: they count as unassigned.
bool Known(UChar32 code) {
  UVersionInfo age;
  u_charAge(code, age);
  return age[0] < kIcuDataMajor || (age[0] == kIcuDataMajor && age[1] <= kIcuDataMinor);
}

bool IsAsciiPunctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

bool IsRemovedByCleanText(UChar32 c, uint32_t category) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == 0xFFFD || (category & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

// Decompositions of ICU: whether there is a canonical one, and whether NFKD's is another.
bool DecomposesInIcu(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  std::array<UChar, 40> units;
  return unorm2_getDecomposition(Nfd(), c, units.data(), units.size(), &error) >= 0;
}

bool HasCompatibilityForm(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  std::array<UChar, 40> canonical, compatible;
  const int32_t size =
      unorm2_getDecomposition(Nfd(), c, canonical.data(), canonical.size(), &error);
  const int32_t length =
      unorm2_getDecomposition(Nfkd(), c, compatible.data(), compatible.size(), &error);
  return length >= 0 &&
         (length != size ||
          !std::equal(compatible.begin(), compatible.begin() + length, canonical.begin()));
}

bool IsCjk(char32_t c) {
  return std::any_of(std::begin(kCjkBlocks), std::end(kCjkBlocks),
                     [c](Range r) { return c >= r.first && c <= r.last; });
}

CharInfo InfoFromIcu(char32_t code) {
  const UChar32 c = static_cast<UChar32>(code);
  CharInfo info{code, 0, 0};
  if (IsCjk(code)) info.flags |= kCjk;
  if (!Known(c)) return info;
  const uint32_t category = U_GET_GC_MASK(c);
  info.lower = static_cast<char32_t>(u_tolower(c));
  info.combining_class = u_getCombiningClass(c);
  if (IsRemovedByCleanText(c, category)) info.flags |= kControl;
  if (u_isUWhiteSpace(c)) info.flags |= kWhitespace;
  if ((category & U_GC_P_MASK) != 0 || IsAsciiPunctuation(code)) info.flags |= kPunctuation;
  if (category == U_GC_MN_MASK) info.flags |= kNonspacingMark;
  if ((category & U_GC_M_MASK) != 0) info.flags |= kCombiningMark;
  if ((category & U_GC_N_MASK) != 0) info.flags |= kNumeric | kNumber;
  if ((category & U_GC_L_MASK) != 0) info.flags |= kLetter;
  if (DecomposesInIcu(c)) info.flags |= kDecomposes;
  if (HasCompatibilityForm(c)) info.flags |= kCompatibility;
  const uint32_t word = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  if (u_isUAlphabetic(c) || (category & word) != 0 || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL)) {
    info.flags |= kWordCharacter;
  }
  if (code == 0x130) info.flags |= kLowersToTwo;  // the only one; u_tolower gives the 'i'
  return info;
}

template <typename Entry, typename Apply>
void ApplyRanges(const Entry& entry, char32_t first, const Apply& apply) {
  const char32_t last = first + (1 << kPageBits) - 1;
  if (entry.first > last || entry.last < first) return;
  for (char32_t c = std::max(entry.first, first); c <= std::min(entry.last, last); ++c) {
    apply(c - first);
  }
}

}  // namespace

namespace unicode_internal {

std::array<std::atomic<const Page*>, (0x110000 >> kPageBits)> pages;

const Page& MakePage(uint32_t number) {
  const char32_t first = number << kPageBits;
  auto page = std::make_unique<Page>();
  for (size_t i = 0; i < page->size(); ++i) (*page)[i] = InfoFromIcu(first + i);
  for (const FlagDifference& d : kFlagDifferences) {
    ApplyRanges(d, first, [&](size_t i) {
      uint16_t& flags = (*page)[i].flags;
      flags = static_cast<uint16_t>(d.value ? flags | d.flag : flags & ~d.flag);
    });
  }
  for (const ClassDifference& d : kClassDifferences) {
    ApplyRanges(d, first, [&](size_t i) { (*page)[i].combining_class = d.combining_class; });
  }
  for (const LowerDifference& d : kLowerDifferences) {
    if (d.code >> kPageBits == number) (*page)[d.code - first].lower = d.lower;
  }
  const Page* expected = nullptr;
  // Pages live as long as the process: readers hold no locks.
  if (pages[number].compare_exchange_strong(expected, page.get(), std::memory_order_acq_rel)) {
    return *page.release();
  }
  return *expected;
}

}  // namespace unicode_internal

int LookUpScript(char32_t code) {
  const auto* found =
      std::upper_bound(std::begin(kScriptDifferences), std::end(kScriptDifferences), code,
                       [](char32_t c, const ScriptDifference& d) { return c < d.first; });
  if (found != std::begin(kScriptDifferences) && code <= found[-1].last) {
    return found[-1].script;
  }
  UErrorCode error = U_ZERO_ERROR;
  const int script = Known(static_cast<UChar32>(code))
                         ? uscript_getScript(static_cast<UChar32>(code), &error)
                         : USCRIPT_UNKNOWN;
  return script == USCRIPT_UNKNOWN ? kNoScript : script;
}

char32_t PatternStandIn(char32_t code) {
  const auto* found = std::upper_bound(std::begin(kStandIns), std::end(kStandIns), code,
                                       [](char32_t c, const StandIn& s) { return c < s.first; });
  if (found == std::begin(kStandIns) || code > found[-1].last) return code;
  return found[-1].stand_in;
}

}  // namespace graft
