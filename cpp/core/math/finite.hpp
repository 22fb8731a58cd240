// Whether all values of an array are finite, read as fast as the memory gives them.
#pragma once

#include "simd.hpp"

#include <algorithm>
#include <cmath>

namespace chainrule::CHAINRULE_ISA {

// x - x is 0, or NaN where x is not finite; a sum keeps that.
template <class T> bool all_finite(const T* values, Index n) {
  constexpr Index L = kLanes<T>, kAtOnce = 8;
  if (n < L) return std::all_of(values, values + n, [](T v) { return std::isfinite(v); });
  Vec<T> sums[kAtOnce] = {};
  const auto take = [&](Vec<T> x, Index v) { sums[v] = sums[v] + (x - x); };
  Index i = 0;
  for (; n - i >= kAtOnce * L; i += kAtOnce * L)
    for (Index v = 0; v < kAtOnce; ++v) take(load(values + i + v * L), v);
  for (; n - i >= L; i += L) take(load(values + i), 0);
  take(load(values + n - L), 1);
  for (Index v = 1; v < kAtOnce; ++v) sums[0] = sums[0] + sums[v];
  for (Index lane = 0; lane < L; ++lane)
    if (sums[0][lane] != 0) return false;
  return true;
}

}  // namespace chainrule::CHAINRULE_ISA
