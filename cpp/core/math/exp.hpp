// exp and what is made of it: expm1, tanh, logistic.
#pragma once

#include "common.hpp"

namespace chainrule::CHAINRULE_ISA {

template <class T> struct ExpConstants;
template <> struct ExpConstants<float> {
  // e^z is 0 below kLow (less than half the least subnormal) and inf above kHigh.
  static constexpr float kLow = -104.0f, kHigh = 89.0f;
  static constexpr float kLog2E = 1.44269504f;
  static constexpr float kLn2High = 0.693147182f, kLn2Low = -1.90465421e-9f;  // high + low = log 2
  // From kMagic on the floats are whole numbers, so that x + kMagic - kMagic rounds x to one, and
  // the low bits of x + kMagic hold it. They hold it plus kOffset, to be positive.
  static constexpr std::int32_t kOffset = 2 * 127;
  static constexpr float kMagic = 12582912.0f + 254.0f;  // 1.5 * 2^23 + kOffset
};
template <> struct ExpConstants<double> {
  static constexpr double kLow = -746.0, kHigh = 710.0;
  static constexpr double kLog2E = 1.4426950408889634;
  static constexpr double kLn2High = 0.69314718055994531, kLn2Low = 2.3190468138462996e-17;
  static constexpr std::int64_t kOffset = 2 * 1023;
  static constexpr double kMagic = 6755399441055744.0 + 2046.0;
};

// z = n log 2 + r with whole n and |r| <= log(2)/2: then e^z = 2^n e^r. With fma and log 2 in two
// parts r is exact after the first part and rounded once by the second. e^r - 1 = r + r^2 Q(r).
template <class T> struct ExpParts {
  Vec<T> shifted;  // n + kMagic
  Vec<T> n;
  Vec<T> r, rest;  // r, and e^r - 1 - r
  Vec<T> expm1_r;  // e^r - 1, the sign of a zero aside
};
// What is left of z when it has been rounded to T may be given as `less`: e^(z - less).
template <class T> CHAINRULE_INLINE ExpParts<T> exp_parts(Vec<T> z, Vec<T> less = Vec<T>{}) {
  using C = ExpConstants<T>;
  ExpParts<T> parts;
  parts.shifted = fma(z, splat<T>(C::kLog2E), splat<T>(C::kMagic));
  parts.n = parts.shifted - C::kMagic;
  Vec<T> r = fma(parts.n, splat<T>(-C::kLn2High), z);
  r = fma(parts.n, splat<T>(-C::kLn2Low), r) - less;
  const Vec<T> r_squared = r * r;
  const Vec<T> q = polynomial<T>(r, r_squared, Coefficients<T>::kExp);
  parts.r = r;
  parts.rest = r_squared * q;
  parts.expm1_r = fma(r_squared, q, r);
  return parts;
}

// x * 2^n, rounded once. 2^n itself may be out of range, so two halves of it are multiplied in, the
// first exactly: their exponent fields, floor and ceiling of (n + 2 bias) / 2, are always in range.
// AVX-512 has one instruction for it, with the same result.
template <class T> CHAINRULE_INLINE Vec<T> times_power_of_two(Vec<T> x, const ExpParts<T>& parts) {
#if CHAINRULE_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_scalef_ps(0xFFFF, (__m512)x, (__m512)parts.n);
  } else {
    return (Vec<T>)_mm512_maskz_scalef_pd(0xFF, (__m512d)x, (__m512d)parts.n);
  }
#else
  constexpr int kBits = Layout<T>::kMantissaBits;
  const IntVec<T> sum = bits_of<T>(parts.shifted);
  const IntVec<T> half = shift_left<T>(shift_right<T>(sum, 1), kBits);
  const IntVec<T> other = shift_left<T>(sum, kBits) - half;
  return x * from_bits<T>(half) * from_bits<T>(other);
#endif
}

// 2^(n + shift) for an n that is known to keep it in range.
template <class T>
CHAINRULE_INLINE Vec<T> power_of_two(const ExpParts<T>& parts, Int<T> shift = 0) {
  const Int<T> excess = ExpConstants<T>::kOffset - Layout<T>::kBias - shift;
  constexpr int kBits = Layout<T>::kMantissaBits;
  return from_bits<T>(shift_left<T>(bits_of<T>(parts.shifted) - excess, kBits));
}

template <class T> CHAINRULE_INLINE Vec<T> exp(Vec<T> z) {
  using C = ExpConstants<T>;
  z = max<T>(splat<T>(C::kLow), min<T>(splat<T>(C::kHigh), z));
  const ExpParts<T> parts = exp_parts<T>(z);
  return times_power_of_two<T>(T{1} + parts.expm1_r, parts);
}

// e^z - 1 = 2^n (e^r - 1) + (2^n - 1). Half of it is computed, since 2^n may be one power too
// large; where n is 0 there is nothing to add and halving could lose a subnormal's last bit. r and
// the rest of e^r - 1 are added one by one: the rounding of their sum would double where n is 1.
template <class T> CHAINRULE_INLINE Vec<T> expm1(Vec<T> z) {
  constexpr T kLow = sizeof(T) == 4 ? T{-20} : T{-40};  // e^z - 1 is -1 from here down
  const Vec<T> sign = z;
  z = max<T>(splat<T>(kLow), min<T>(splat<T>(ExpConstants<T>::kHigh), z));
  const ExpParts<T> parts = exp_parts<T>(z);
  const Vec<T> half = power_of_two<T>(parts, -1);
  const Vec<T> scaled = T{2} * fma(half, parts.rest, fma(half, parts.r, half - T{0.5}));
  return with_sign_of<T>(sign, select<T>(parts.n == T{0}, parts.expm1_r, scaled));
}

// tanh a = (e^2a - 1) / (e^2a + 1), a = |z|: both from the parts of e^2a, with no cancellation.
template <class T> CHAINRULE_INLINE Vec<T> tanh(Vec<T> z) {
  constexpr T kHigh = sizeof(T) == 4 ? T{20} : T{40};  // tanh(kHigh / 2) is 1
  const Vec<T> a = abs<T>(z);
  const ExpParts<T> parts = exp_parts<T>(-min<T>(splat<T>(kHigh), a + a));
  const Vec<T> power = power_of_two<T>(parts);
  const Vec<T> over = fma(-power, parts.expm1_r, T{1} - power);
  const Vec<T> under = fma(power, parts.expm1_r, T{1} + power);
  return with_sign_of<T>(z, over / under);
}

// 1 / (1 + e^-z), or for z < 0 its equal e^z / (1 + e^z): e^-|z| never overflows.
template <class T> CHAINRULE_INLINE Vec<T> logistic(Vec<T> z) {
  const Vec<T> a = min<T>(splat<T>(-ExpConstants<T>::kLow), abs<T>(z));
  const ExpParts<T> parts = exp_parts<T>(-a);
  const Vec<T> e = times_power_of_two<T>(T{1} + parts.expm1_r, parts);
  return select<T>(z < T{0}, e, splat<T>(T{1})) / (T{1} + e);
}

}  // namespace chainrule::CHAINRULE_ISA
