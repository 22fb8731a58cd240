// erf and the normal distribution's cumulative function.
#pragma once

#include "exp.hpp"

namespace chainrule::CHAINRULE_ISA {

// Phi(-a) for a >= 0, with full relative accuracy until it underflows: e^(-a^2/2) Q(y) / (a + k),
// where y = (a - k)/(a + k) takes [0, oo) to [-1, 1) and Q is smooth and of size 1.
// Each rounding would cost about half a unit, so: a^2 is taken in two parts, as an error of e's
// exponent is a relative error of the result. y is 2a/(a + k) - 1, since there the error of
// 1/(a + k) vanishes for small a, and for large a what it does to Q(y) cancels what it does to the
// factor. What the last sum of Q and the product Q / (a + k) lose is carried along.
template <class T> CHAINRULE_INLINE Vec<T> normal_tail(Vec<T> a) {
  using C = Coefficients<T>;
  a = min<T>(splat<T>(C::kNormalTailEnd), a);
  const Vec<T> inverse = T{1} / (a + C::kNormalTailMiddle);
  const Vec<T> y = fma(a + a, inverse, splat<T>(T{-1}));
  // The last step of Q is apart: the sums of even and of odd powers would cancel for y near 1.
  const Vec<T> higher = polynomial<T, 1>(y, y * y, C::kNormalTail);
  const Vec<T> q = fma(higher, y, splat<T>(C::kNormalTail[0]));
  const Vec<T> quotient = q * inverse;
  const Vec<T> q_lost = fma(higher, y, C::kNormalTail[0] - q);
  const Vec<T> lost = fma(q_lost, inverse, fma(q, inverse, -quotient));
  const Vec<T> square = a * a;
  const Vec<T> rest = fma(a, a, -square);
  const ExpParts<T> parts = exp_parts<T>(T{-0.5} * square, T{0.5} * rest);
  return times_power_of_two<T>(quotient + fma(quotient, parts.expm1_r, lost), parts);
}

// Phi(z) = (1 + erf(z / sqrt(2)))/2: a tail for z < 0, one less a tail for z >= 0.
template <class T> CHAINRULE_INLINE Vec<T> normal_cdf(Vec<T> z) {
  const Vec<T> tail = normal_tail<T>(abs<T>(z));
  return select<T>(z < T{0}, tail, T{1} - tail);
}

// erf(x) = 1 - 2 Phi(-x sqrt(2)), and x + x Q(x^2) below 1/2, where the difference would cancel.
template <class T> CHAINRULE_INLINE Vec<T> erf(Vec<T> z) {
  const Vec<T> a = abs<T>(z);
  const Vec<T> u = a * a;
  const Vec<T> near = fma(a, polynomial<T>(u, u * u, Coefficients<T>::kErf), a);
  const Vec<T> tail = normal_tail<T>(a * static_cast<T>(1.4142135623730951));
  return with_sign_of<T>(z, select<T>(a < T{0.5}, near, T{1} - T{2} * tail));
}

}  // namespace chainrule::CHAINRULE_ISA
