// Products of small matrices, included once per Highway target.
//
// The right-hand matrix of a product lies in panels of kPanel columns ([depth, kPanel] each, padded
// with zeros), the left-hand one where it is; a tile of kTileRows x kPanel results stays in
// registers. Every result is one chain of fused multiply-adds in the order of the depth, whatever
// tile it falls into.
#if defined(GRAFT_MODELS_KERNELS_SMALL_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAFT_MODELS_KERNELS_SMALL_PRODUCT_INL_H_
#undef GRAFT_MODELS_KERNELS_SMALL_PRODUCT_INL_H_
#else
#define GRAFT_MODELS_KERNELS_SMALL_PRODUCT_INL_H_
#endif

#include <algorithm>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if !GRAFT_PLAIN_TARGET

constexpr int64_t kVector = kLanes;
constexpr int64_t kPanel = 2 * kVector;
constexpr int64_t kTileRows = 6;

constexpr int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Element (i, k) of a left-hand matrix stands at data[i * row + k * depth].
struct Left {
  const float* data;
  int64_t row;
  int64_t depth;
};

// Panels of a right-hand matrix, `stride` floats from one to the next. The product begins with the
// row of the first panel that `panels` points to.
struct Right {
  const float* panels;
  int64_t stride;
};

template <int kRows>
HWY_INLINE void Tile(const Left& a, int64_t depth, const float* panel, float* c, int64_t c_row,
                     bool add) {
  const F32 d;
  V32 low[kRows], high[kRows];
  for (int r = 0; r < kRows; ++r) {
    low[r] = add ? hn::LoadU(d, c + r * c_row) : hn::Zero(d);
    high[r] = add ? hn::LoadU(d, c + r * c_row + kVector) : hn::Zero(d);
  }
  const float* left = a.data;
  for (int64_t k = 0; k < depth; ++k, left += a.depth, panel += kPanel) {
    const V32 b0 = hn::LoadU(d, panel);
    const V32 b1 = hn::LoadU(d, panel + kVector);
    for (int r = 0; r < kRows; ++r) {
      const V32 value = hn::Set(d, left[r * a.row]);
      low[r] = hn::MulAdd(value, b0, low[r]);
      high[r] = hn::MulAdd(value, b1, high[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    hn::StoreU(low[r], d, c + r * c_row);
    hn::StoreU(high[r], d, c + r * c_row + kVector);
  }
}

void TileOfRows(int64_t rows, const Left& a, int64_t depth, const float* panel, float* c,
                int64_t c_row, bool add) {
  switch (rows) {
    case 1:
      return Tile<1>(a, depth, panel, c, c_row, add);
    case 2:
      return Tile<2>(a, depth, panel, c, c_row, add);
    case 3:
      return Tile<3>(a, depth, panel, c, c_row, add);
    case 4:
      return Tile<4>(a, depth, panel, c, c_row, add);
    case 5:
      return Tile<5>(a, depth, panel, c, c_row, add);
    default:
      return Tile<6>(a, depth, panel, c, c_row, add);
  }
}

// c [rows, columns rounded up] = a [rows, depth] times b [depth, columns], added to what c holds
// when `add`.
void Multiply(const Left& a, int64_t rows, int64_t depth, const Right& b, int64_t columns, float* c,
              int64_t c_row, bool add) {
  // Tiles as equal as can be: one of a single row would wait for its chain of additions.
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  const float* panels = b.panels;
  for (int64_t column = 0; column < columns; column += kPanel, panels += b.stride) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t first = tile * rows / tiles, last = (tile + 1) * rows / tiles;
      TileOfRows(last - first, {a.data + first * a.row, a.row, a.depth}, depth, panels,
                 c + first * c_row + column, c_row, add);
    }
  }
}

// Four rows of `width` floats become columns j .. j + 3 of a panel [width, kPanel]. A null row
// stands for zeros.
template <bool kBias>
void PackFourColumns(const float* const rows[4], const float* bias, int64_t width, float* panel) {
  const F32 d;
  const hn::FixedTag<float, 4> d4;
  ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
    const V32 shift = kBias ? place.Load(bias + c) : hn::Zero(d);
    V32 v[4];
    for (int i = 0; i < 4; ++i) {
      v[i] = rows[i] == nullptr ? hn::Zero(d) : hn::Add(place.Load(rows[i] + c), shift);
    }
    alignas(64) float columns[4 * kLanes];
    hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, columns);
    const size_t count = std::min(kLanes, static_cast<size_t>(width) - c);
    for (size_t i = 0; i < count; ++i) {
      hn::StoreU(hn::Load(d4, columns + 4 * i), d4, panel + (c + i) * kPanel);
    }
  });
}

// Panels of the transpose of x + bias, x [rows, width]: [width, rows]; a null bias is 0.
void PackTransposed(const float* x, int64_t stride, const float* bias, int64_t rows, int64_t width,
                    float* panels) {
  for (int64_t first = 0; first < rows; first += kPanel, panels += width * kPanel) {
    for (int64_t j = 0; j < kPanel; j += 4) {
      const float* four[4];
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t row = first + j + i;
        four[i] = row < rows ? x + row * stride : nullptr;
      }
      if (bias == nullptr) {
        PackFourColumns<false>(four, nullptr, width, panels + j);
      } else {
        PackFourColumns<true>(four, bias, width, panels + j);
      }
    }
  }
}

// Panels of (x + bias) * scale, x [rows, width]; a null bias is 0.
void Pack(const float* x, int64_t stride, const float* bias, float scale, int64_t rows,
          int64_t width, float* panels) {
  const F32 d;
  const V32 factor = hn::Set(d, scale);
  for (int64_t first = 0; first < width; first += kPanel) {
    const int64_t columns = std::min(kPanel, width - first);
    for (int64_t row = 0; row < rows; ++row, panels += kPanel) {
      if (columns < kPanel) {
        hn::StoreU(hn::Zero(d), d, panels);
        hn::StoreU(hn::Zero(d), d, panels + kVector);
      }
      const float* source = x + row * stride + first;
      ForColumns(columns, [&](auto place, size_t c) HWY_ATTR {
        V32 v = place.Load(source + c);
        if (bias != nullptr) v = hn::Add(v, place.Load(bias + first + c));
        place.Store(hn::Mul(v, factor), panels + c);
      });
    }
  }
}

// target [rows, width] = (x + bias) * scale, or x * scale without a bias.
void Copy(const float* x, int64_t stride, const float* bias, float scale, int64_t rows,
          int64_t width, float* target, int64_t target_stride) {
  const V32 factor = hn::Set(F32(), scale);
  for (int64_t row = 0; row < rows; ++row, x += stride, target += target_stride) {
    ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
      V32 v = place.Load(x + c);
      if (bias != nullptr) v = hn::Add(v, place.Load(bias + c));
      place.Store(hn::Mul(v, factor), target + c);
    });
  }
}

#endif  // !GRAFT_PLAIN_TARGET
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#endif  // toggle of GRAFT_MODELS_KERNELS_SMALL_PRODUCT_INL_H_
