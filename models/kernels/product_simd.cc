// The right-hand matrix is packed by panels of up to three vectors of columns, [depth, width] each,
// padded with zeros; a tile of kTileRows rows and one panel stays in registers over the whole
// depth. The left-hand matrix is read where it lies.
#include <algorithm>

#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/product_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void Product(const MatrixView& left, const MatrixView& right, const ProductShape& shape,
             float* scratch, float* out, int64_t out_row, int64_t out_column) {
  plain::Product(left, right, shape, scratch, out, out_row, out_column);
}

#else

constexpr int64_t kVector = kLanes;
constexpr int kVectors = 3;
// Accumulators, one row's vectors and the broadcast value fill the registers: 32 of AVX-512, 16 of
// AVX2.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
static_assert(kVectors * kVector <= kProductPanel);

// A sum is a chain of so many multiply-adds, added to that of the blocks before it: the rounding of
// one chain over the whole depth would be twice as large.
constexpr int64_t kDepthBlock = 256;

// Where a tile of results goes.
struct Target {
  float* out;
  int64_t row;
  int64_t column;
  int64_t columns;  // of this panel
};

template <int kRows, int kWidth>
HWY_INLINE void StoreTile(const V32 (&sums)[kRows][kWidth], const Target& target) {
  const F32 d;
  if (target.column == 1) {
    for (int r = 0; r < kRows; ++r) {
      float* row = target.out + r * target.row;
      for (int v = 0; v < kWidth; ++v) {
        const int64_t left = target.columns - v * kVector;
        if (left >= kVector) {
          hn::StoreU(sums[r][v], d, row + v * kVector);
        } else {
          Part{static_cast<size_t>(left)}.Store(sums[r][v], row + v * kVector);
        }
      }
    }
    return;
  }
  alignas(64) float tile[kRows][kWidth * kVector];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kWidth; ++v) hn::Store(sums[r][v], d, &tile[r][v * kVector]);
  }
  for (int64_t c = 0; c < target.columns; ++c) {
    for (int r = 0; r < kRows; ++r) target.out[c * target.column + r] = tile[r][c];
  }
}

template <int kRows, int kWidth>
HWY_INLINE void Tile(const MatrixView& left, int64_t depth, const float* panel,
                     const Target& target) {
  const F32 d;
  V32 sums[kRows][kWidth], totals[kRows][kWidth];
  const float* value = left.data;
  for (int64_t first = 0; first == 0 || first < depth; first += kDepthBlock) {
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kWidth; ++v) sums[r][v] = hn::Zero(d);
    }
    const int64_t end = std::min(depth, first + kDepthBlock);
    for (int64_t k = first; k < end; ++k, value += left.column, panel += kWidth * kVector) {
      V32 right[kWidth];
      for (int v = 0; v < kWidth; ++v) right[v] = hn::Load(d, panel + v * kVector);
      for (int r = 0; r < kRows; ++r) {
        const V32 factor = hn::Set(d, value[r * left.row]);
        for (int v = 0; v < kWidth; ++v) sums[r][v] = hn::MulAdd(factor, right[v], sums[r][v]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kWidth; ++v) {
        totals[r][v] = first == 0 ? sums[r][v] : hn::Add(totals[r][v], sums[r][v]);
      }
    }
  }
  StoreTile<kRows, kWidth>(totals, target);
}

template <int kWidth>
void TileOfRows(int64_t rows, const MatrixView& left, int64_t depth, const float* panel,
                const Target& target) {
  switch (rows) {
    case 1:
      return Tile<1, kWidth>(left, depth, panel, target);
    case 2:
      return Tile<2, kWidth>(left, depth, panel, target);
    case 3:
      return Tile<3, kWidth>(left, depth, panel, target);
    case 4:
      return Tile<4, kWidth>(left, depth, panel, target);
#if HWY_TARGET <= HWY_AVX3
    case 5:
      return Tile<5, kWidth>(left, depth, panel, target);
    case 6:
      return Tile<6, kWidth>(left, depth, panel, target);
    case 7:
      return Tile<7, kWidth>(left, depth, panel, target);
    default:
      return Tile<8, kWidth>(left, depth, panel, target);
#endif
  }
}

template <int kWidth>
void MultiplyPanel(const MatrixView& left, const ProductShape& shape, const float* panel,
                   const Target& target) {
  // Tiles as equal as can be: one of a single row would wait for its chain of additions.
  const int64_t tiles = (shape.rows + kTileRows - 1) / kTileRows;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t first = tile * shape.rows / tiles, last = (tile + 1) * shape.rows / tiles;
    TileOfRows<kWidth>(
        last - first, {left.data + first * left.row, left.row, left.column}, shape.depth, panel,
        {target.out + first * target.row, target.row, target.column, target.columns});
  }
}

// Row k of a panel is row k of right, whose elements lie side by side.
void PackRows(const MatrixView& right, int64_t depth, int64_t columns, int64_t width,
              float* panel) {
  const F32 d;
  for (int64_t k = 0; k < depth; ++k, panel += width) {
    const float* row = right.data + k * right.row;
    for (int64_t c = 0; c < width; c += kVector) {
      const int64_t left = columns - c;
      hn::Store(
          left >= kVector ? hn::LoadU(d, row + c) : Part{static_cast<size_t>(left)}.Load(row + c),
          d, panel + c);
    }
  }
}

// Row k of a panel gathers element k of each column of right, whose elements lie side by side.
void PackColumns(const MatrixView& right, int64_t depth, int64_t columns, int64_t width,
                 float* panel) {
  const F32 d;
  const hn::FixedTag<float, 4> d4;
  for (int64_t c = 0; c < width; c += 4) {
    const float* column[4];
    for (int64_t i = 0; i < 4; ++i) {
      column[i] = c + i < columns ? right.data + (c + i) * right.column : nullptr;
    }
    ForColumns(depth, [&](auto place, size_t k) HWY_ATTR {
      V32 v[4];
      for (int i = 0; i < 4; ++i) {
        v[i] = column[i] == nullptr ? hn::Zero(d) : place.Load(column[i] + k);
      }
      alignas(64) float four[4 * kLanes];
      hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, four);
      const size_t count = std::min(kLanes, static_cast<size_t>(depth) - k);
      float* target = panel + static_cast<int64_t>(k) * width + c;
      for (size_t i = 0; i < count; ++i, target += width) {
        hn::StoreU(hn::Load(d4, four + 4 * i), d4, target);
      }
    });
  }
}

void Product(const MatrixView& left, const MatrixView& right, const ProductShape& shape,
             float* scratch, float* out, int64_t out_row, int64_t out_column) {
  for (int64_t first = 0; first < shape.columns; first += kVectors * kVector) {
    const int64_t columns = std::min(kVectors * kVector, shape.columns - first);
    const int64_t vectors = (columns + kVector - 1) / kVector;
    const MatrixView part = {right.data + first * right.column, right.row, right.column};
    const auto pack = right.column == 1 ? PackRows : PackColumns;
    pack(part, shape.depth, columns, vectors * kVector, scratch);
    const auto multiply = vectors == 1   ? MultiplyPanel<1>
                          : vectors == 2 ? MultiplyPanel<2>
                                         : MultiplyPanel<3>;
    multiply(left, shape, scratch, {out + first * out_column, out_row, out_column, columns});
  }
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(Product);

namespace simd {

void Product(const MatrixView& left, const MatrixView& right, const ProductShape& shape,
             float* scratch, float* out, int64_t out_row, int64_t out_column) {
  HWY_DYNAMIC_DISPATCH(Product)(left, right, shape, scratch, out, out_row, out_column);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
