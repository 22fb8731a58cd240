// Products of a layer with few outputs, which fill too little of a vector: the other way round, so that
// the vectors hold examples (forward) or inputs (gradient) instead, and are full. Every element is the
// same chain of fused multiply-adds as in gemm.hpp, so the bits are the same.
#pragma once

#include "../math/transpose.hpp"
#include "gemm.hpp"

namespace chainrule::CHAINRULE_ISA {

// Up to how many outputs a layer is narrow.
template <class T> constexpr Index kMostNarrow = kLanes<T> / 2;

// Calls body(std::integral_constant<int, n>) for the n = 1 ... kMostNarrow that is given.
template <class T, int n = 1, class Body>
CHAINRULE_INLINE void with_narrow(Index n_out, Body&& body) {
  if constexpr (n <= kMostNarrow<T>) {
    if (n_out == n) return body(std::integral_constant<int, n>{});
    with_narrow<T, n + 1>(n_out, body);
  }
}

// z = b + a W (FP2.1) of kGroups * L rows. W is the layer's only panel, b the row before it. A's rows
// are padded to whole vectors.
template <class T, int n_out, int kGroups>
CHAINRULE_INLINE void narrow_rows(Index n_k, const T* A, Index a_row, const T* W, T* Z,
                                  Index z_row) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[kGroups][n_out], square[L];
  for (auto& group : acc)
    for (int j = 0; j < n_out; ++j) group[j] = splat(W[j - L]);
  const auto add = [&](Index k0, Index n) {
    for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i) square[i] = load(A + (g * L + i) * a_row + k0);
      transpose_square<T>(square);
#pragma GCC unroll 16
      for (int k = 0; k < L; ++k)
        if (k < n)
          for (int j = 0; j < n_out; ++j)
            acc[g][j] = fma(square[k], splat(W[(k0 + k) * L + j]), acc[g][j]);
    }
  };
  Index k0 = 0;
  for (; n_k - k0 >= L; k0 += L) add(k0, L);
  if (k0 < n_k) add(k0, n_k - k0);
  for (int g = 0; g < kGroups; ++g) {
    for (int j = 0; j < L; ++j) square[j] = j < n_out ? acc[g][j < n_out ? j : 0] : Vec<T>{};
    transpose_square<T>(square);
    for (int i = 0; i < L; ++i) store(Z + (g * L + i) * z_row, square[i]);
  }
}

// The same of as many of n rows as fill vectors; returns how many.
template <class T> inline Index narrow_forward(Index n, Index n_out, const Product<T>& p) {
  constexpr Index L = kLanes<T>;
  Index r = 0;
  with_narrow<T>(n_out, [&](auto outputs) {
    constexpr int kOut = decltype(outputs)::value;
    if constexpr (2 * kOut + L + 2 <= kRegisters)  // sums beside a square
      for (; n - r >= 2 * L; r += 2 * L)
        narrow_rows<T, kOut, 2>(p.n_k, p.A + r * p.a_row, p.a_row, p.Y, p.C + r * p.c_row, p.c_row);
    for (; n - r >= L; r += L)
      narrow_rows<T, kOut, 1>(p.n_k, p.A + r * p.a_row, p.a_row, p.Y, p.C + r * p.c_row, p.c_row);
  });
  return r;
}

// G = A^T D (BP3.2) of n_in <= kMostInputs inputs over n rows, into rows of one vector. A's rows are
// padded to whole vectors.
template <class T, Index kMostInputs>
void narrow_gradient(Index n_out, Index n_in, Index n, const T* A, Index a_row, const T* D,
                     Index d_row, T* gradient) {
  constexpr Index L = kLanes<T>;
  static_assert(kMostInputs % L == 0);
  alignas(kVectorBytes) T transposed[kMostNarrow<T> * kMostInputs];
  with_narrow<T>(n_out, [&](auto outputs) {
    constexpr int kOut = decltype(outputs)::value;
    const auto of = [&](Index k, auto vectors) {
      tile<T, kOut, decltype(vectors)::value, Finish::kNone>(
          n, D, 1, d_row, A + k, a_row, transposed + k, kMostInputs, kZeros<T>, nullptr);
    };
    Index k = 0;
    if constexpr (4 * kOut + 5 <= kRegisters)  // sums beside four vectors of A and one of D
      for (; n_in - k > 3 * L; k += 4 * L) of(k, std::integral_constant<int, 4>{});
    for (; n_in - k > L; k += 2 * L) of(k, std::integral_constant<int, 2>{});
    for (; k < n_in; k += L) of(k, std::integral_constant<int, 1>{});
  });
  for (Index k = 0; k < n_in; k += L) {
    Vec<T> square[L] = {};
    for (Index j = 0; j < n_out; ++j) square[j] = load(transposed + j * kMostInputs + k);
    transpose_square<T>(square);
    for (Index i = 0; i < std::min(L, n_in - k); ++i) store(gradient + (k + i) * L, square[i]);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
