#include "tokenizers/lanes/byte_level_chunks.h"

#include <array>
#include <bit>

#include "base/utf8.h"
#include "tokenizers/lanes/char_class.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tokenizers/lanes/byte_level_chunks.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Bit i tells of byte i of a block.
struct BlockMasks {
  uint64_t space = 0, letter = 0, number = 0;
  uint64_t blank = 0;  // U+0020 alone
  uint64_t apostrophe = 0;
  uint64_t beyond_ascii = 0;
};

HWY_INLINE BlockMasks ClassifyAscii(const uint8_t* block) {
  const hn::CappedTag<uint8_t, kChunkBlock> d;
  const size_t lanes = hn::Lanes(d);
  BlockMasks masks;
  for (size_t i = 0; i < kChunkBlock; i += lanes) {
    const auto v = hn::LoadU(d, block + i);
    const auto add = [&](auto mask, uint64_t& bits) {
      uint64_t part = 0;
      hn::StoreMaskBits(d, mask, reinterpret_cast<uint8_t*>(&part));
      bits |= part << i;
    };
    // Of `count` values from `first` on.
    const auto among = [&](auto value, uint8_t first, uint8_t count) {
      return hn::Lt(hn::Sub(value, hn::Set(d, first)), hn::Set(d, count));
    };
    const auto blank = hn::Eq(v, hn::Set(d, ' '));
    add(blank, masks.blank);
    add(hn::Or(blank, among(v, '\t', 5)), masks.space);
    add(among(hn::Or(v, hn::Set(d, 0x20)), 'a', 26), masks.letter);
    add(among(v, '0', 10), masks.number);
    add(hn::Eq(v, hn::Set(d, '\'')), masks.apostrophe);
    add(hn::Gt(v, hn::Set(d, 0x7F)), masks.beyond_ascii);
  }
  return masks;
}

// The classes of characters beyond ASCII, on all of their bytes. What reaches into the next block
// waits in `spill`. False at whitespace beyond ASCII.
struct Spill {
  uint64_t letter = 0, number = 0, covered = 0;
};
HWY_INLINE bool ClassifyBeyondAscii(std::string_view text, size_t begin, BlockMasks& masks,
                                    Spill& spill) {
  masks.letter |= spill.letter;
  masks.number |= spill.number;
  uint64_t left = masks.beyond_ascii & ~spill.covered;
  spill = {};
  while (left != 0) {
    const auto at = static_cast<size_t>(std::countr_zero(left));
    if (begin + at >= text.size()) break;
    const Utf8Char c = DecodeUtf8(text.substr(begin + at));
    const CharClass char_class = ClassOf(c.code);
    if (char_class == CharClass::kSpace) return false;
    const uint64_t bits = (uint64_t{1} << c.length) - 1;
    const uint64_t beyond =
        at + static_cast<size_t>(c.length) > kChunkBlock ? bits >> (kChunkBlock - at) : 0;
    if (char_class == CharClass::kLetter) {
      masks.letter |= bits << at;
      spill.letter = beyond;
    }
    if (char_class == CharClass::kNumber) {
      masks.number |= bits << at;
      spill.number = beyond;
    }
    spill.covered = beyond;
    left &= ~(bits << at);
  }
  return true;
}

bool IsAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Length of the English short form behind the apostrophe at `c`, with it; 0 when there is none.
size_t ShortForm(const char* c) {
  switch (c[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return c[2] == 'e' ? 3 : 0;
    case 'l':
      return c[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

// What the last byte of the block before was.
struct Carry {
  uint64_t space = 0, letter = 0, number = 0, other = 0, blank = 0;
};

// Where chunks begin in a block, short forms apart.
HWY_INLINE uint64_t FindStarts(const BlockMasks& masks, bool space_follows, Carry& carry) {
  const uint64_t other = ~(masks.space | masks.letter | masks.number);
  const uint64_t space_before = masks.space << 1 | carry.space;
  const uint64_t space_behind = masks.space >> 1 | uint64_t{space_follows} << 63;
  const uint64_t same = (masks.letter & (masks.letter << 1 | carry.letter)) |
                        (masks.number & (masks.number << 1 | carry.number)) |
                        (other & (other << 1 | carry.other));
  const uint64_t blank_before = masks.blank << 1 | carry.blank;
  carry = {masks.space >> 63, masks.letter >> 63, masks.number >> 63, other >> 63,
           masks.blank >> 63};
  // Of whitespace the first one, and the last one when something follows; of the rest what is of
  // another class than its neighbour, unless that is a blank that belongs to it.
  return (masks.space & (~space_before | ~space_behind)) | (~masks.space & ~same & ~blank_before);
}

// Behind the end of the block, bits for the next one.
struct Fixes {
  uint64_t set = 0, clear = 0;
};

// Short forms are chunks of their own.
HWY_INLINE void CutShortForms(const char* block, uint64_t apostrophes, uint64_t& starts,
                              Fixes& fixes) {
  starts = (starts & ~fixes.clear) | fixes.set;
  fixes = {};
  for (uint64_t left = apostrophes & starts; left != 0; left &= left - 1) {
    const auto at = static_cast<size_t>(std::countr_zero(left));
    const size_t length = ShortForm(block + at);
    if (length == 0) continue;
    const auto clear = static_cast<unsigned __int128>(1) << (at + 1);
    const auto set = static_cast<unsigned __int128>(1) << (at + length);
    starts = (starts & ~static_cast<uint64_t>(clear)) | static_cast<uint64_t>(set);
    fixes.clear |= static_cast<uint64_t>(clear >> 64);
    fixes.set |= static_cast<uint64_t>(set >> 64);
  }
}

// The number of chunks; SIZE_MAX at whitespace beyond ASCII.
size_t FindByteLevelChunks(std::string_view text, uint16_t* starts) {
  const size_t blocks = (text.size() + kChunkBlock - 1) / kChunkBlock;
  size_t count = 0;
  Carry carry;
  Spill spill;
  Fixes fixes;
  for (size_t block = 0; block < blocks; ++block) {
    const size_t begin = block * kChunkBlock;
    const char* data = text.data() + begin;
    BlockMasks masks = ClassifyAscii(reinterpret_cast<const uint8_t*>(data));
    if (HWY_UNLIKELY((masks.beyond_ascii | spill.covered) != 0) &&
        !ClassifyBeyondAscii(text, begin, masks, spill)) {
      return SIZE_MAX;
    }
    uint64_t bits = FindStarts(masks, IsAsciiSpace(data[kChunkBlock]), carry);
    if (block == 0) bits |= 1;
    if ((masks.apostrophe | fixes.set | fixes.clear) != 0) {
      CutShortForms(data, masks.apostrophe, bits, fixes);
    }
    if (text.size() - begin < kChunkBlock) bits &= (uint64_t{1} << (text.size() - begin)) - 1;
    const size_t end = count + static_cast<size_t>(std::popcount(bits));
    for (; count < end; count += 8) {
      for (size_t i = 0; i < 8; ++i) {
        starts[count + i] = static_cast<uint16_t>(begin + std::countr_zero(bits));
        bits &= bits - 1;
      }
    }
    count = end;
  }
  starts[count] = static_cast<uint16_t>(text.size());
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(FindByteLevelChunks);

size_t FindByteLevelChunks(std::string_view text, uint16_t* starts) {
  const size_t count = HWY_DYNAMIC_DISPATCH(FindByteLevelChunks)(text, starts);
  return count == SIZE_MAX ? FindByteLevelChunksPlain(text, starts) : count;
}

}  // namespace graft
#endif
