#include "tokenizers/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <memory>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

using unicode_internal::kPageBits;
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
#include "tokenizers/unicode_differences.inc"

struct Range {
  char32_t first, last;
};
// What BERT's own code lists; some later extension blocks are not in it.
constexpr Range kCjkBlocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};

constexpr char32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;

// A newer ICU knows characters that the differences do not speak of: they count as unassigned.
bool Known(UChar32 code) {
  UVersionInfo age;
  u_charAge(code, age);
  return age[0] < kIcuDataMajor || (age[0] == kIcuDataMajor && age[1] <= kIcuDataMinor);
}

const UNormalizer2* Nfd() {
  static const UNormalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2* nfd = unorm2_getNFDInstance(&error);
    ABSL_CHECK(U_SUCCESS(error)) << "ICU has no NFD data: " << u_errorName(error);
    return nfd;
  }();
  return instance;
}

bool IsAsciiPunctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

bool IsRemovedByCleanText(UChar32 c, uint32_t category) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == 0xFFFD || (category & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool DecomposesInIcu(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  UChar buffer[16];
  return unorm2_getDecomposition(Nfd(), c, buffer, 16, &error) >= 0;
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
  if (DecomposesInIcu(c)) info.flags |= kDecomposes;
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
      uint8_t& flags = (*page)[i].flags;
      flags = d.value ? flags | d.flag : flags & ~d.flag;
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

int DecomposeCanonically(char32_t code, std::array<char32_t, kMaxDecomposition>& out) {
  if (code >= kHangulFirst && code <= kHangulLast) {  // Unicode 15, section 3.12
    const char32_t index = code - kHangulFirst;
    out[0] = 0x1100 + index / (21 * 28);
    out[1] = 0x1161 + index % (21 * 28) / 28;
    out[2] = 0x11A7 + index % 28;
    return index % 28 == 0 ? 2 : 3;
  }
  if ((LookUpChar(code).flags & kDecomposes) == 0) {
    out[0] = code;
    return 1;
  }
  UErrorCode error = U_ZERO_ERROR;
  std::array<UChar, 2 * size_t{kMaxDecomposition}> units;
  const int32_t length = unorm2_getDecomposition(Nfd(), static_cast<UChar32>(code), units.data(),
                                                 units.size(), &error);
  ABSL_CHECK(U_SUCCESS(error) && length > 0) << "U+" << std::hex << static_cast<uint32_t>(code);
  int count = 0;
  for (int32_t i = 0; i < length;) {
    UChar32 c;
    U16_NEXT(units.data(), i, length, c);
    ABSL_CHECK_LT(count, kMaxDecomposition);
    out[count++] = static_cast<char32_t>(c);
  }
  return count;
}

}  // namespace graft
