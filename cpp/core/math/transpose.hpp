// Transposing a square of as many vectors as a vector has lanes, in registers.
#pragma once

#include "simd.hpp"

#include <utility>

namespace chainrule::CHAINRULE_ISA {

// Swaps the blocks of s lanes that lie off the diagonal, between rows p and p + s.
template <class T, int s, int... lane>
CHAINRULE_INLINE void swap_blocks(Vec<T>& low, Vec<T>& high, std::integer_sequence<int, lane...>) {
  constexpr int L = kLanes<T>;
  const Vec<T> a = low, b = high;
  low = __builtin_shufflevector(a, b, ((lane & s) ? lane - s + L : lane)...);
  high = __builtin_shufflevector(a, b, ((lane & s) ? lane + L : lane + s)...);
}

template <class T, int s> CHAINRULE_INLINE void transpose_stage(Vec<T>* rows) {
  if constexpr (s < kLanes<T>) {
#pragma GCC unroll 16
    for (int p = 0; p < kLanes<T>; ++p)
      if (!(p & s))
        swap_blocks<T, s>(rows[p], rows[p + s], std::make_integer_sequence<int, kLanes<T>>{});
    transpose_stage<T, 2 * s>(rows);
  }
}

// kLanes<T> rows of kLanes<T> entries become the columns.
template <class T> CHAINRULE_INLINE void transpose_square(Vec<T>* rows) {
  transpose_stage<T, 1>(rows);
}

}  // namespace chainrule::CHAINRULE_ISA
