// log, log1p and softplus.
#pragma once

#include "exp.hpp"

namespace chainrule::CHAINRULE_ISA {

template <class T> struct LogConstants;
template <> struct LogConstants<float> {
  static constexpr float kLeastNormal = 1.17549435e-38f;
  static constexpr float kLift = 8388608.0f, kLiftExponent = 23.0f;  // 2^23
  static constexpr float kMagic = 8388608.0f;                        // 2^23: see exponent()
};
template <> struct LogConstants<double> {
  static constexpr double kLeastNormal = 2.2250738585072014e-308;
  static constexpr double kLift = 4503599627370496.0, kLiftExponent = 52.0;  // 2^52
  static constexpr double kMagic = 4503599627370496.0;
};

// u = 2^k m with m from sqrt(1/2) to sqrt(2), for normal u > 0: an addition in the bits makes the
// exponent field roll over at sqrt(1/2) * 2^k.
template <class T> struct LogParts {
  IntVec<T> bits;  // k + bias, as an exponent field, and m less sqrt(1/2), as a mantissa
  Vec<T> k;
};
template <class T> CHAINRULE_INLINE LogParts<T> log_parts(Vec<T> u) {
  using L = Layout<T>;
  LogParts<T> parts;
  parts.bits = bits_of<T>(u) + (L::kOne - L::kSqrtHalf);
  // A whole number below 2^mantissa bits, put into the low bits of kMagic, is added to it.
  constexpr T kMagic = LogConstants<T>::kMagic;
  const IntVec<T> magic_bits = bits_of<T>(splat<T>(kMagic));
  const IntVec<T> biased = shift_right<T>(parts.bits, L::kMantissaBits);
  parts.k = from_bits<T>(biased | magic_bits) - (kMagic + static_cast<T>(L::kBias));
  return parts;
}

// k log 2 + log(1 + f) = k log 2 + 2 artanh(s), s = f/(2 + f), |s| <= 0.172. As 2s = f - s f and
// s f = f^2/2 - s f^2/2, it is f - f^2/2 + s (f^2/2 + R(s^2)): f is exact, the rest is small.
template <class T> CHAINRULE_INLINE Vec<T> log_sum(Vec<T> k, Vec<T> f) {
  using C = ExpConstants<T>;
  const Vec<T> s = f / (T{2} + f);
  const Vec<T> v = s * s;
  const Vec<T> half_square = T{0.5} * f * f;
  const Vec<T> q = polynomial<T>(v, v * v, Coefficients<T>::kLog);
  const Vec<T> tail = fma(s, fma(v, q, half_square), k * C::kLn2Low) - half_square;
  return fma(k, splat<T>(C::kLn2High), f + tail);
}

template <class T> CHAINRULE_INLINE Vec<T> log(Vec<T> z) {
  using C = LogConstants<T>;
  using L = Layout<T>;
  // A subnormal has no exponent field: scale it into the normal range.
  const IntVec<T> subnormal = z < C::kLeastNormal;
  const Vec<T> u = select<T>(subnormal, z * C::kLift, z);
  const LogParts<T> parts = log_parts<T>(u);
  const Vec<T> k = parts.k - select<T>(subnormal, splat<T>(C::kLiftExponent), Vec<T>{});
  constexpr Int<T> kMantissa = (Int<T>{1} << L::kMantissaBits) - 1;
  const Vec<T> m = from_bits<T>((parts.bits & kMantissa) + L::kSqrtHalf);
  Vec<T> result = log_sum<T>(k, m - T{1});
  result = select<T>(z < kInfinity<T>, result, z);  // inf and NaN
  result = select<T>(z == T{0}, splat<T>(-kInfinity<T>), result);
  return select<T>(z < T{0}, splat<T>(kNaN<T>), result);
}

// log(1 + z): 1 + z, rounded, only chooses k; then f = 2^-k (1 + z) - 1 = 2^-k z + (2^-k - 1) is
// rounded once, and is z itself where k is 0. 2^-k z is exact, by a subtraction in the bits.
template <class T> CHAINRULE_INLINE Vec<T> log1p(Vec<T> z) {
  using L = Layout<T>;
  const LogParts<T> parts = log_parts<T>(T{1} + z);
  constexpr Int<T> kMantissa = (Int<T>{1} << L::kMantissaBits) - 1;
  const IntVec<T> k_field = (parts.bits & ~kMantissa) - L::kOne;
  const Vec<T> scaled = from_bits<T>(bits_of<T>(z) - k_field);
  // 2^-k may be subnormal, 4 * 2^-k is not.
  constexpr Int<T> kFour = L::kOne + (Int<T>{2} << L::kMantissaBits);
  const Vec<T> power = from_bits<T>(kFour - k_field);
  const Vec<T> f = scaled + fma(power, splat<T>(T{0.25}), splat<T>(T{-1}));
  Vec<T> result = with_sign_of<T>(z, abs<T>(log_sum<T>(parts.k, f)));
  result = select<T>(z < kInfinity<T>, result, z);
  result = select<T>(z == T{-1}, splat<T>(-kInfinity<T>), result);
  return select<T>(z < T{-1}, splat<T>(kNaN<T>), result);
}

// log(1 + e^z) = max(z, 0) + log(1 + e), e = e^-|z| <= 1. With k = 1 for e > sqrt(2) - 1 the
// remainder is f = (e - 1)/2, else k = 0 and f = e.
template <class T> CHAINRULE_INLINE Vec<T> softplus(Vec<T> z) {
  const Vec<T> a = min<T>(splat<T>(-ExpConstants<T>::kLow), abs<T>(z));
  const ExpParts<T> parts = exp_parts<T>(-a);
  const Vec<T> e = times_power_of_two<T>(T{1} + parts.expm1_r, parts);
  const IntVec<T> large = e > static_cast<T>(0.41421356237309505);
  const Vec<T> f = select<T>(large, T{0.5} * e - T{0.5}, e);
  const Vec<T> k = select<T>(large, splat<T>(T{1}), Vec<T>{});
  return select<T>(z > T{0}, z, Vec<T>{}) + log_sum<T>(k, f);
}

}  // namespace chainrule::CHAINRULE_ISA
