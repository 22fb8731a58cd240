// Whether all values of a table are finite, read as fast as the memory gives them.
#pragma once

#include "layout.hpp"
#include "threads.hpp"

#include <algorithm>
#include <cmath>

namespace chainrule::CHAINRULE_ISA {

// x - x is 0, or NaN where x is not finite; a sum keeps that.
template <class T> bool all_finite_of(const T* values, Index n) {
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

template <class T> bool all_finite(const T* values, Index n, int threads) {
  constexpr Index kLeast = (Index{1} << 21) / static_cast<Index>(sizeof(T));  // values a thread
  threads = static_cast<int>(std::max<Index>(1, std::min<Index>(threads, n / kLeast)));
  std::atomic<bool> finite{true};
  in_team(threads, [&](int t) {
    const Index begin = n / threads * t, end = t + 1 == threads ? n : n / threads * (t + 1);
    if (!all_finite_of(values + begin, end - begin)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

}  // namespace chainrule::CHAINRULE_ISA
