#include "tokenizers/char_class.h"

#include <unicode/uchar.h>

#include <memory>

namespace graft {
namespace {

// Inclusive.
struct ClassRange {
  char32_t first, last;
  CharClass value;
};
#include "tokenizers/char_class_differences.inc"

CharClass IcuClass(char32_t code) {
  const auto c = static_cast<UChar32>(code);
  // A newer ICU knows characters that the differences do not speak of: they count as unassigned.
  UVersionInfo age;
  u_charAge(c, age);
  if (age[0] > kClassDataMajor || (age[0] == kClassDataMajor && age[1] > kClassDataMinor)) {
    return CharClass::kOther;
  }
  const uint32_t category = U_GET_GC_MASK(c);
  if ((category & U_GC_L_MASK) != 0) return CharClass::kLetter;
  if ((category & U_GC_N_MASK) != 0) return CharClass::kNumber;
  return u_isUWhiteSpace(c) != 0 ? CharClass::kSpace : CharClass::kOther;
}

}  // namespace

namespace char_class_internal {

std::array<std::atomic<const Page*>, (0x110000 >> kPageBits)> pages;

const Page& MakePage(uint32_t number) {
  const char32_t first = number << kPageBits;
  auto page = std::make_unique<Page>();
  for (size_t i = 0; i < page->size(); ++i) {
    const char32_t code = first + static_cast<char32_t>(i);
    (*page)[i] = IcuClass(code);
    for (const ClassRange& range : kClassDifferences) {
      if (code >= range.first && code <= range.last) (*page)[i] = range.value;
    }
  }
  const Page* expected = nullptr;
  // Pages live as long as the process: readers hold no locks.
  if (pages[number].compare_exchange_strong(expected, page.get(), std::memory_order_acq_rel)) {
    return *page.release();
  }
  return *expected;
}

}  // namespace char_class_internal
}  // namespace graft
