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

// y = f(a) * b [rows, width] for the halves [a, b] of x + bias, x [rows, 2 * width], bias [2 *
// width] or null.
using GatedActivationLoop = void(Activation kind, const float* x, const float* bias, int64_t rows,
                                 int64_t width, float* y);

// dx [rows, 2 * width] from dy [rows, width]; dbias [2 * width], unless it is null, += column sums
// of dx.
using GatedActivationGradientLoop = void(Activation kind, const float* x, const float* bias,
                                         const float* dy, int64_t rows, int64_t width, float* dx,
                                         float* dbias);

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

// One head of one text: queries, keys and values of T = tokens rows, width floats each, `stride`
// floats from row to row, each with a bias [width] still to be added. float scale multiplies the
// queries.
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
  const TextDropout* dropout;  // null: none
  uint64_t first_element;      // what element (0, 0) of this head's matrix counts as in the text
};

// The gradient goes through a text in blocks of so many query rows; right-hand matrices are padded
// to at most so many columns.
inline constexpr int64_t kAttentionBlock = 48;
inline constexpr int64_t kAttentionPanel = 32;

// Floats of scratch memory, 64-byte aligned, that each of the two loops below needs at most.
int64_t AttentionScratch(int64_t tokens, int64_t width);

// out [T, width], out_stride floats from row to row.
using AttentionLoop = void(const AttentionHead& head, float* scratch, float* out,
                           int64_t out_stride);

// dq, dk, dv [T, width] with head.stride, from dout with dout_stride. The softmax is computed
// again.
using AttentionGradientLoop = void(const AttentionHead& head, const float* dout,
                                   int64_t dout_stride, float* scratch, float* dq, float* dk,
                                   float* dv);

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
AttentionLoop Attention;
AttentionGradientLoop AttentionGradient;
AdamWLoop AdamW;
SumOfSquaresLoop SumOfSquares;
}  // namespace simd

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_LOOPS_H_
