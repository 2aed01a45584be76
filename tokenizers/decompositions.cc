// Decompositions and compositions of single characters.
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include "absl/log/absl_check.h"
#include "tokenizers/unicode.h"
#include "tokenizers/unicode_data.h"

namespace graft {
namespace {

constexpr char32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;

const UNormalizer2* Checked(const UNormalizer2* instance, UErrorCode error) {
  ABSL_CHECK(U_SUCCESS(error)) << "ICU has no normalization data: " << u_errorName(error);
  return instance;
}

// The full decomposition that ICU's data give; the character must have one.
template <size_t kMost>
int Decompose(const UNormalizer2* form, char32_t code, std::array<char32_t, kMost>& out) {
  UErrorCode error = U_ZERO_ERROR;
  std::array<UChar, 2 * kMost> units;
  const int32_t length =
      unorm2_getDecomposition(form, static_cast<UChar32>(code), units.data(), units.size(), &error);
  ABSL_CHECK(U_SUCCESS(error) && length > 0) << "U+" << std::hex << static_cast<uint32_t>(code);
  int count = 0;
  for (int32_t i = 0; i < length;) {
    UChar32 c;
    U16_NEXT(units.data(), i, length, c);
    ABSL_CHECK_LT(static_cast<size_t>(count), kMost);
    out[count++] = static_cast<char32_t>(c);
  }
  return count;
}

}  // namespace

namespace unicode_internal {

const UNormalizer2* Nfd() {
  static const UNormalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    return Checked(unorm2_getNFDInstance(&error), error);
  }();
  return instance;
}

const UNormalizer2* Nfkd() {
  static const UNormalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    return Checked(unorm2_getNFKDInstance(&error), error);
  }();
  return instance;
}

const UNormalizer2* Nfc() {
  static const UNormalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    return Checked(unorm2_getNFCInstance(&error), error);
  }();
  return instance;
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
  return Decompose(unicode_internal::Nfd(), code, out);
}

int DecomposeCompatibly(char32_t code, std::array<char32_t, kMaxCompatibilityDecomposition>& out) {
  if ((LookUpChar(code).flags & kCompatibility) != 0) {
    return Decompose(unicode_internal::Nfkd(), code, out);
  }
  std::array<char32_t, kMaxDecomposition> canonical;
  const int count = DecomposeCanonically(code, canonical);
  std::copy(canonical.begin(), canonical.begin() + count, out.begin());
  return count;
}

char32_t Compose(char32_t first, char32_t second) {
  const UChar32 composed = unorm2_composePair(unicode_internal::Nfc(), static_cast<UChar32>(first),
                                              static_cast<UChar32>(second));
  // What the peer does not take apart it does not put together.
  if (composed < 0 || (LookUpChar(static_cast<char32_t>(composed)).flags & kDecomposes) == 0) {
    return 0;
  }
  return static_cast<char32_t>(composed);
}

}  // namespace graft
