#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/activation_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void BiasActivation(Activation kind, const float* x, const float* bias, int64_t rows, int64_t width,
                    float* y) {
  plain::BiasActivation(kind, x, bias, rows, width, y);
}

void BiasActivationGradient(Activation kind, const float* x, const float* bias, const float* dy,
                            int64_t rows, int64_t width, float* dx, float* dbias) {
  plain::BiasActivationGradient(kind, x, bias, dy, rows, width, dx, dbias);
}

void GatedActivation(Activation kind, GatedHalf activated, const float* x, const float* bias,
                     int64_t rows, int64_t width, float* y) {
  plain::GatedActivation(kind, activated, x, bias, rows, width, y);
}

void GatedActivationGradient(Activation kind, GatedHalf activated, const float* x,
                             const float* bias, const float* dy, int64_t rows, int64_t width,
                             float* dx, float* dbias) {
  plain::GatedActivationGradient(kind, activated, x, bias, dy, rows, width, dx, dbias);
}

#else

// Every function has a Value and a Slope of its argument.

struct Identity {
  static HWY_INLINE V32 Value(V32 v) { return v; }
  static HWY_INLINE V32 Slope(V32) { return hn::Set(F32(), 1.0f); }
};

struct Gelu {
  // v Phi(v) = max(v, 0) - |v| Phi(-|v|): no cancellation on either side.
  static HWY_INLINE V32 Value(V32 v) {
    const V32 t = hn::Abs(v);
    return hn::NegMulAdd(t, NormalTail(t), hn::Max(v, hn::Zero(F32())));
  }
  static HWY_INLINE V32 Slope(V32 v) {
    const F32 d;
    const V32 tail = NormalTail(hn::Abs(v));
    const V32 cdf = hn::IfThenElse(hn::Ge(v, hn::Zero(d)), hn::Sub(hn::Set(d, 1.0f), tail), tail);
    // The density, 1 / sqrt(2 pi) e^(-v^2 / 2).
    const V32 half_square = hn::Mul(hn::Mul(v, hn::Set(d, -0.5f)), v);
    const V32 density = hn::Mul(Exp(half_square), hn::Set(d, 0.398942280f));
    return hn::MulAdd(v, density, cdf);
  }
};

// 1 / (1 + e^-v): no overflow and no cancellation on either side.
HWY_INLINE V32 Logistic(V32 v) {
  const F32 d;
  const V32 one = hn::Set(d, 1.0f);
  const V32 e = Exp(hn::Neg(hn::Abs(v)));
  return hn::Div(hn::IfThenElse(hn::Ge(v, hn::Zero(d)), one, e), hn::Add(one, e));
}

// v sigmoid(u), where u has the slope du at v: s + v s (1 - s) du. Far out v is infinite beside an
// s (1 - s) of 0, so that product is formed first and v is held back.
HWY_INLINE V32 SwishSlope(V32 v, V32 u, V32 du) {
  const F32 d;
  const V32 s = Logistic(u), t = Logistic(hn::Neg(u));
  const V32 bend = hn::Mul(hn::Mul(s, t), hn::Mul(v, du));
  return hn::IfThenElse(hn::Eq(hn::Mul(s, t), hn::Zero(d)), s, hn::Add(s, bend));
}

struct GeluTanh {
  // 0.5 (1 + tanh(w)) = sigmoid(2 w), w = sqrt(2 / pi) (v + 0.044715 v^3).
  static HWY_INLINE V32 Twice(V32 v) {
    const F32 d;
    const V32 cubic =
        hn::MulAdd(hn::Mul(v, v), hn::Set(d, 0.0713548162726f), hn::Set(d, 1.59576912161f));
    return hn::Mul(v, cubic);
  }
  static HWY_INLINE V32 Value(V32 v) { return hn::Mul(v, Logistic(Twice(v))); }
  static HWY_INLINE V32 Slope(V32 v) {
    const F32 d;
    const V32 du =
        hn::MulAdd(hn::Mul(v, v), hn::Set(d, 0.2140644488178f), hn::Set(d, 1.59576912161f));
    return SwishSlope(v, Twice(v), du);
  }
};

struct QuickGelu {
  static HWY_INLINE V32 Factor() { return hn::Set(F32(), 1.702f); }
  static HWY_INLINE V32 Value(V32 v) { return hn::Mul(v, Logistic(hn::Mul(v, Factor()))); }
  static HWY_INLINE V32 Slope(V32 v) { return SwishSlope(v, hn::Mul(v, Factor()), Factor()); }
};

struct Silu {
  static HWY_INLINE V32 Value(V32 v) { return hn::Mul(v, Logistic(v)); }
  static HWY_INLINE V32 Slope(V32 v) { return SwishSlope(v, v, hn::Set(F32(), 1.0f)); }
};

struct Relu {
  static HWY_INLINE V32 Value(V32 v) { return hn::Max(v, hn::Zero(F32())); }
  static HWY_INLINE V32 Slope(V32 v) {
    return hn::IfThenElseZero(hn::Gt(v, hn::Zero(F32())), hn::Set(F32(), 1.0f));
  }
};

struct Tanh {
  // (1 - e) / (1 + e) with e = e^(-2 |v|), and the sign of v.
  static HWY_INLINE V32 Value(V32 v) {
    const F32 d;
    const V32 one = hn::Set(d, 1.0f);
    const V32 e = Exp(hn::Mul(hn::Abs(v), hn::Set(d, -2.0f)));
    return hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), v);
  }
  static HWY_INLINE V32 Slope(V32 v) {
    // 1 - tanh^2 = 4 e / (1 + e)^2
    const F32 d;
    const V32 e = Exp(hn::Mul(hn::Abs(v), hn::Set(d, -2.0f)));
    const V32 sum = hn::Add(hn::Set(d, 1.0f), e);
    return hn::Div(hn::Mul(hn::Set(d, 4.0f), e), hn::Mul(sum, sum));
  }
};

struct Sigmoid {
  static HWY_INLINE V32 Value(V32 v) { return Logistic(v); }
  static HWY_INLINE V32 Slope(V32 v) { return hn::Mul(Logistic(v), Logistic(hn::Neg(v))); }
};

// body(function) for the function of this kind.
template <class Body>
HWY_INLINE void WithFunction(Activation kind, const Body& body) {
  switch (kind) {
    case Activation::kIdentity:
      return body(Identity());
    case Activation::kGelu:
      return body(Gelu());
    case Activation::kGeluTanh:
      return body(GeluTanh());
    case Activation::kQuickGelu:
      return body(QuickGelu());
    case Activation::kSilu:
      return body(Silu());
    case Activation::kRelu:
      return body(Relu());
    case Activation::kTanh:
      return body(Tanh());
    case Activation::kSigmoid:
      return body(Sigmoid());
  }
}

// x + bias at column c; a null bias is 0.
template <class Place>
HWY_INLINE V32 Biased(const Place& place, const float* x, const float* bias, size_t c) {
  const V32 v = place.Load(x + c);
  return bias == nullptr ? v : hn::Add(v, place.Load(bias + c));
}

template <class Place>
HWY_INLINE void AddColumn(const Place& place, V32 gradient, float* dbias, size_t c) {
  if (dbias != nullptr) place.Store(hn::Add(place.Load(dbias + c), gradient), dbias + c);
}

void BiasActivation(Activation kind, const float* x, const float* bias, int64_t rows, int64_t width,
                    float* y) {
  WithFunction(kind, [&](auto f) HWY_ATTR {
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = x + row * width;
      float* to = y + row * width;
      ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
        place.Store(f.Value(Biased(place, from, bias, c)), to + c);
      });
    }
  });
}

void BiasActivationGradient(Activation kind, const float* x, const float* bias, const float* dy,
                            int64_t rows, int64_t width, float* dx, float* dbias) {
  WithFunction(kind, [&](auto f) HWY_ATTR {
    for (int64_t row = 0; row < rows; ++row) {
      const float *from = x + row * width, *upstream = dy + row * width;
      float* to = dx + row * width;
      ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
        const V32 slope = f.Slope(Biased(place, from, bias, c));
        const V32 gradient = hn::Mul(place.Load(upstream + c), slope);
        place.Store(gradient, to + c);
        AddColumn(place, gradient, dbias, c);
      });
    }
  });
}

void GatedActivation(Activation kind, GatedHalf activated, const float* x, const float* bias,
                     int64_t rows, int64_t width, float* y) {
  const int64_t first = ActivatedHalf(activated, width), other = width - first;
  const float* from_bias = bias == nullptr ? nullptr : bias + first;
  const float* gate_bias = bias == nullptr ? nullptr : bias + other;
  WithFunction(kind, [&](auto f) HWY_ATTR {
    for (int64_t row = 0; row < rows; ++row) {
      const float *from = x + 2 * row * width + first, *gate = x + 2 * row * width + other;
      float* to = y + row * width;
      ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
        const V32 value = f.Value(Biased(place, from, from_bias, c));
        place.Store(hn::Mul(value, Biased(place, gate, gate_bias, c)), to + c);
      });
    }
  });
}

void GatedActivationGradient(Activation kind, GatedHalf activated, const float* x,
                             const float* bias, const float* dy, int64_t rows, int64_t width,
                             float* dx, float* dbias) {
  const int64_t first = ActivatedHalf(activated, width), other = width - first;
  const float* from_bias = bias == nullptr ? nullptr : bias + first;
  const float* gate_bias = bias == nullptr ? nullptr : bias + other;
  float* from_dbias = dbias == nullptr ? nullptr : dbias + first;
  float* gate_dbias = dbias == nullptr ? nullptr : dbias + other;
  WithFunction(kind, [&](auto f) HWY_ATTR {
    for (int64_t row = 0; row < rows; ++row) {
      const float *from = x + 2 * row * width + first, *gate = x + 2 * row * width + other;
      const float* upstream = dy + row * width;
      float *to = dx + 2 * row * width + first, *to_gate = dx + 2 * row * width + other;
      ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
        const V32 v = Biased(place, from, from_bias, c), up = place.Load(upstream + c);
        const V32 of_value = hn::Mul(hn::Mul(up, Biased(place, gate, gate_bias, c)), f.Slope(v));
        const V32 of_gate = hn::Mul(up, f.Value(v));
        place.Store(of_value, to + c);
        place.Store(of_gate, to_gate + c);
        AddColumn(place, of_value, from_dbias, c);
        AddColumn(place, of_gate, gate_dbias, c);
      });
    }
  });
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(BiasActivation);
HWY_EXPORT(BiasActivationGradient);
HWY_EXPORT(GatedActivation);
HWY_EXPORT(GatedActivationGradient);

namespace simd {

void BiasActivation(Activation kind, const float* x, const float* bias, int64_t rows, int64_t width,
                    float* y) {
  HWY_DYNAMIC_DISPATCH(BiasActivation)(kind, x, bias, rows, width, y);
}

void BiasActivationGradient(Activation kind, const float* x, const float* bias, const float* dy,
                            int64_t rows, int64_t width, float* dx, float* dbias) {
  HWY_DYNAMIC_DISPATCH(BiasActivationGradient)(kind, x, bias, dy, rows, width, dx, dbias);
}

void GatedActivation(Activation kind, GatedHalf activated, const float* x, const float* bias,
                     int64_t rows, int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(GatedActivation)(kind, activated, x, bias, rows, width, y);
}

void GatedActivationGradient(Activation kind, GatedHalf activated, const float* x,
                             const float* bias, const float* dy, int64_t rows, int64_t width,
                             float* dx, float* dbias) {
  HWY_DYNAMIC_DISPATCH(GatedActivationGradient)(kind, activated, x, bias, dy, rows, width, dx,
                                                dbias);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
