#include "tokenizers/whitespace_mask.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tokenizers/whitespace_mask.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void FindWhitespace(const char* text, size_t blocks, uint64_t* masks) {
  const hn::CappedTag<uint8_t, 64> d;
  const size_t lanes = hn::Lanes(d);
  const auto space = hn::Set(d, ' ');
  const auto tab = hn::Set(d, '\t');
  const auto line_feed = hn::Set(d, '\n');
  const auto carriage_return = hn::Set(d, '\r');
  const auto* bytes = reinterpret_cast<const uint8_t*>(text);
  for (size_t block = 0; block < blocks; ++block) {
    uint64_t mask = 0;
    for (size_t i = 0; i < 64; i += lanes) {
      const auto v = hn::LoadU(d, bytes + 64 * block + i);
      const auto white = hn::Or(hn::Or(hn::Eq(v, space), hn::Eq(v, tab)),
                                hn::Or(hn::Eq(v, line_feed), hn::Eq(v, carriage_return)));
      uint64_t bits = 0;
      hn::StoreMaskBits(d, white, reinterpret_cast<uint8_t*>(&bits));
      mask |= bits << i;
    }
    masks[block] = mask;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(FindWhitespace);

void FindWhitespace(const char* text, size_t blocks, uint64_t* masks) {
  HWY_DYNAMIC_DISPATCH(FindWhitespace)(text, blocks, masks);
}

}  // namespace graft
#endif
