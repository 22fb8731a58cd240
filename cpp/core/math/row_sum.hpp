// The sum over a row in one order, the same for every instruction set.
#pragma once

#include "simd.hpp"

namespace chainrule::CHAINRULE_ISA {

// Lane 0 of v + (v moved down by half its lanes), again and again until one lane is left.
template <class T, int half> CHAINRULE_INLINE Vec<T> fold(Vec<T> v) {
  if constexpr (half == 0) {
    return v;
  } else {
    IntVec<T> from = lane_numbers<T>() + splat_int<T>(half);
    from &= splat_int<T>(kLanes<T> - 1);
    return fold<T, half / 2>(v + shuffle<T>(v, from));
  }
}
template <class T> CHAINRULE_INLINE T folded_lanes(Vec<T> v) {
  return fold<T, kLanes<T> / 2>(v)[0];
}

// The sum over a row in one written-down order for every instruction set: entry j goes to place
// j mod (64 bytes' worth of entries), ascending; then the places are halved until one is left.
template <class T> struct RowSum {
  static constexpr int kParts = 64 / kVectorBytes;
  Vec<T> part[kParts] = {};
  int next = 0;

  CHAINRULE_INLINE void add(Vec<T> v) {
    part[next] = part[next] + v;
    next = (next + 1) % kParts;
  }
  CHAINRULE_INLINE T total() const {
    Vec<T> sum[kParts];
    for (int i = 0; i < kParts; ++i) sum[i] = part[i];
    for (int half = kParts / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) sum[i] = sum[i] + sum[i + half];
    return folded_lanes<T>(sum[0]);
  }
};

}  // namespace chainrule::CHAINRULE_ISA
