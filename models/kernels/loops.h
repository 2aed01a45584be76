// Inner loops of the operations on plain pointers: no LibTorch, no threads, no allocation.
//
// Every loop exists twice under one contract: graft::plain says what it means in plain code;
// graft::simd is the same with the vectors of the processor (Highway, chosen at run time; where it
// has no AVX2, the plain loop). All are thread-safe. The bits of a row depend on the row alone, not
// on where it lies or what lies beside it.
#ifndef GRAFT_MODELS_KERNELS_LOOPS_H_
#define GRAFT_MODELS_KERNELS_LOOPS_H_

#include <cstdint>

#include "models/kernels/activation_kind.h"

namespace graft {

// The mask of one dropout in one text; see DropoutKey for the fields.
struct TextDropout {
  uint64_t seed = 0;
  uint32_t text = 0;
  uint32_t site = 0;
  uint32_t step = 0;
  uint32_t threshold = 0;  // words below it drop their element
  float scale = 1;         // 1 / (1 - rate)
};

// scales[i] = scale or 0 for element first + i of the text, i < count.
using DropoutScalesLoop = void(const TextDropout& dropout, uint64_t first, int64_t count,
                               float* scales);

// y = f(x + bias) for x [rows, width], bias [width] or null; y may be x.
using BiasActivationLoop = void(Activation kind, const float* x, const float* bias, int64_t rows,
                                int64_t width, float* y);

// dx = dy * f'(x + bias), all [rows, width]; dbias [width], unless it is null, += column sums of
// dx.
using BiasActivationGradientLoop = void(Activation kind, const float* x, const float* bias,
                                        const float* dy, int64_t rows, int64_t width, float* dx,
                                        float* dbias);

// y = f(a) * b [rows, width] for the halves a, b of x + bias, x [rows, 2 * width], bias [2 * width]
// or null; a is the one that `activated` names.
using GatedActivationLoop = void(Activation kind, GatedHalf activated, const float* x,
                                 const float* bias, int64_t rows, int64_t width, float* y);

// dx [rows, 2 * width] from dy [rows, width]; dbias [2 * width], unless it is null, += column sums
// of dx.
using GatedActivationGradientLoop = void(Activation kind, GatedHalf activated, const float* x,
                                         const float* bias, const float* dy, int64_t rows,
                                         int64_t width, float* dx, float* dbias);

// The column where the activated half of a row of 2 * width begins.
inline int64_t ActivatedHalf(GatedHalf activated, int64_t width) {
  return activated == GatedHalf::kFirst ? 0 : width;
}

// Element (i, j) of a matrix stands at data[i * row + j * column]; one of the two strides is 1.
struct MatrixView {
  const float* data;
  int64_t row;
  int64_t column;
};

// out = left [rows, depth] times right [depth, columns]. Element (i, j) of out stands at
// out[i * out_row + j * out_column]; one of the two strides is 1.
struct ProductShape {
  int64_t rows;
  int64_t depth;
  int64_t columns;
};

// Columns of the result that are computed together at most, and floats of scratch memory, 64-byte
// aligned, that ProductLoop needs.
inline constexpr int64_t kProductPanel = 48;
inline int64_t ProductScratch(int64_t depth) { return depth * kProductPanel; }

using ProductLoop = void(const MatrixView& left, const MatrixView& right, const ProductShape& shape,
                         float* scratch, float* out, int64_t out_row, int64_t out_column);

struct NormParameters {
  const float* gamma;  // [width]
  const float* beta;   // [width]
  float epsilon;
  int64_t width;
};

// One row: s = residual + scales * (x + bias), normalised = (s - mean) / deviation, y = normalised
// * gamma + beta. Null residual and scales are left out; so is a null bias. y may be x or residual;
// `normalized` [width] and inverse_deviation [1] are written when not null.
using NormRowLoop = void(const NormParameters& parameters, const float* x, const float* bias,
                         const float* residual, const float* scales, float* y, float* normalized,
                         float* inverse_deviation);

// The gradient of NormRowLoop with respect to s, from dy [width]; dgamma and dbeta [width] are
// added to.
using NormRowGradientLoop = void(const NormParameters& parameters, const float* dy,
                                 const float* normalized, float inverse_deviation, float* ds,
                                 float* dgamma, float* dbeta);

// What one head sees of a table by distance: row m, |m| * stride floats away from `zero` [width],
// belongs to keys m places behind their query, -before <= m <= after.
struct DistanceTable {
  const float* zero = nullptr;  // null: no table
  int64_t stride = 0;
  int64_t before = 0;
  int64_t after = 0;
  bool descending = false;        // the order in which `panels` holds the distances
  const float* panels = nullptr;  // what PackDistances wrote

  int64_t rows() const { return before + 1 + after; }
};

// One head of one text: queries, keys and values of T = tokens rows, width floats each, `stride`
// floats from row to row, each with a bias [width] still to be added. The score of query i and key
// j is scale * q_i . k_j + scale * q_i . keys[j - i] + queries[j - i] . k_j + scores[j - i], for
// -before <= j - i <= after; both are below T.
struct AttentionHead {
  int64_t tokens;
  int64_t width;
  int64_t stride;
  const float* q;
  const float* k;
  const float* v;
  const float* q_bias;
  const float* k_bias;
  const float* v_bias;
  float scale;
  int64_t before;
  int64_t after;
  const float* scores = nullptr;  // that of distance 0; null: none
  DistanceTable keys = {};        // ascending
  DistanceTable queries = {};     // descending
  const TextDropout* dropout;     // null: none
  uint64_t first_element;         // what element (0, 0) of this head's matrix counts as in the text

  // Whether some keys are hidden from some queries.
  bool windowed() const { return before < tokens - 1 || after < tokens - 1; }
  bool has_tables() const {
    return scores != nullptr || keys.zero != nullptr || queries.zero != nullptr;
  }
  // Distances that occur.
  int64_t distances() const { return before + 1 + after; }
};

// The gradient goes through a text in blocks of so many query rows, with a table of queries in
// larger ones; right-hand matrices are padded to at most so many columns.
inline constexpr int64_t kAttentionBlock = 48;
inline constexpr int64_t kQueryTableBlock = 128;
inline constexpr int64_t kAttentionPanel = 32;

// Floats of scratch memory, 64-byte aligned, that AttentionLoop and AttentionGradientLoop need at
// most.
int64_t AttentionScratch(int64_t tokens, int64_t width, bool has_tables);

// Floats that PackDistancesLoop writes at most.
int64_t DistancePanels(int64_t rows, int64_t width);

// Puts a table in the order in which AttentionLoop reads it, and with `gradient` also in that of
// AttentionGradientLoop. It has the rows that the longest text needs, and is packed once for all.
using PackDistancesLoop = void(const DistanceTable& table, int64_t width, bool gradient,
                               float* panels);

// out [T, width], out_stride floats from row to row.
using AttentionLoop = void(const AttentionHead& head, float* scratch, float* out,
                           int64_t out_stride);

// What a head's gradient is written to. Those of the tables are the sums over one text, of distance
// -before first.
struct AttentionGradients {
  float* q;  // q, k, v [T, width] with head.stride
  float* k;
  float* v;
  float* scores = nullptr;  // [head.distances()]; written if head.scores is there
  float* keys = nullptr;    // keys, queries [head.distances(), width] with table_stride
  float* queries = nullptr;
  int64_t table_stride = 0;
};

// From dout with dout_stride. The softmax is computed again.
using AttentionGradientLoop = void(const AttentionHead& head, const float* dout,
                                   int64_t dout_stride, float* scratch,
                                   const AttentionGradients& gradients);

// What one AdamW step needs, computed in double and rounded once.
struct AdamWCoefficients {
  float gradient_scale;
  float decay;         // 1 - learning_rate * weight_decay
  float first_weight;  // 1 - beta1
  float beta2;
  float second_weight;  // 1 - beta2
  float second_unbias;  // sqrt(1 - beta2^step)
  float epsilon;
  float negative_step;  // -learning_rate / (1 - beta1^step)
};

using AdamWLoop = void(const AdamWCoefficients& coefficients, int64_t count, const float* gradient,
                       float* parameter, float* first_moment, float* second_moment);

// Sum of x[i]^2 in double.
using SumOfSquaresLoop = double(const float* x, int64_t count);

namespace plain {
DropoutScalesLoop DropoutScales;
BiasActivationLoop BiasActivation;
BiasActivationGradientLoop BiasActivationGradient;
GatedActivationLoop GatedActivation;
GatedActivationGradientLoop GatedActivationGradient;
ProductLoop Product;
NormRowLoop NormRow;
NormRowGradientLoop NormRowGradient;
PackDistancesLoop PackDistances;
AttentionLoop Attention;
AttentionGradientLoop AttentionGradient;
AdamWLoop AdamW;
SumOfSquaresLoop SumOfSquares;
}  // namespace plain

namespace simd {
DropoutScalesLoop DropoutScales;
BiasActivationLoop BiasActivation;
BiasActivationGradientLoop BiasActivationGradient;
GatedActivationLoop GatedActivation;
GatedActivationGradientLoop GatedActivationGradient;
ProductLoop Product;
NormRowLoop NormRow;
NormRowGradientLoop NormRowGradient;
PackDistancesLoop PackDistances;
AttentionLoop Attention;
AttentionGradientLoop AttentionGradient;
AdamWLoop AdamW;
SumOfSquaresLoop SumOfSquares;
}  // namespace simd

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_LOOPS_H_
