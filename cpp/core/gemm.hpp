// The one matrix product of the core: C(i, j) = start(j) + sum over k, ascending, of A(i, k) Y(k, j).
//
// Every element of C is one chain of fused multiply-adds with k ascending, whatever the tile or the
// block it falls into: so neither the vector's width nor the number of threads can change a bit.
// Forward, backward and gradient are this product with other strides:
//     forward   Z = b + A W            i: rows     k: inputs    j: outputs
//     backward  E = D W^T              i: rows     k: outputs   j: inputs
//     gradient  G = A^T D              i: inputs   k: rows      j: outputs
#pragma once

#include "layout.hpp"

#include <type_traits>

namespace chainrule::CHAINRULE_ISA {

// Rows of a tile: as many accumulators as the registers hold beside two vectors of Y.
constexpr int kTileRows = kVectorBytes == 64 ? 12 : 6;
// k in blocks, so that a panel's block stays in the first-level cache while the tiles pass over it.
template <class T> constexpr Index kBlock = 1024 / static_cast<Index>(sizeof(T));

template <class T> struct Product {
  Index n_k;        // the length of the sum
  const T* A;       // A(i, k) = A[i * a_row + k * a_k]
  Index a_row, a_k;
  const T* Y;       // Y(k, j) = Y[k * y_row + j]
  Index y_row;
  T* C;             // C(i, j) = C[i * c_row + j]
  Index c_row;
};

// MR rows and NV vectors of C at once. `start` is a row to start from, or null for what C holds.
template <class T, int MR, int NV>
CHAINRULE_INLINE void tile(Index n_k, const T* A, Index a_row, Index a_k, const T* Y, Index y_row,
                           T* C, Index c_row, const T* start) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) acc[i][v] = load((start ? start : C + i * c_row) + v * L);
  for (Index k = 0; k < n_k; ++k) {
    Vec<T> y[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) y[v] = load(Y + k * y_row + v * L);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> a = broadcast(A[i * a_row + k * a_k]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) acc[i][v] = fma(a, y[v], acc[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(C + i * c_row + v * L, acc[i][v]);
}

// All rows i of one block of k: tiles of 12 (6), then what is left.
template <class T, int NV>
inline void tiles(Index n_i, Index n_k, const Product<T>& p, Index k0, const T* start) {
  const T* A = p.A + k0 * p.a_k;
  const T* Y = p.Y + k0 * p.y_row;
  Index i = 0;
  auto run = [&](auto rows) {
    constexpr int MR = decltype(rows)::value;
    tile<T, MR, NV>(n_k, A + i * p.a_row, p.a_row, p.a_k, Y, p.y_row, p.C + i * p.c_row, p.c_row,
                    start);
    i += MR;
  };
  while (n_i - i >= kTileRows) run(std::integral_constant<int, kTileRows>{});
  if constexpr (kTileRows > 8)
    if (n_i - i >= 8) run(std::integral_constant<int, 8>{});
  if (n_i - i >= 4) run(std::integral_constant<int, 4>{});
  if (n_i - i >= 2) run(std::integral_constant<int, 2>{});
  if (n_i - i >= 1) run(std::integral_constant<int, 1>{});
}

// The product over one panel of `width` columns (one or two vectors), starting from a row.
template <class T>
inline void multiply(Index n_i, Index width, const Product<T>& p, const T* start) {
  Index k0 = 0;
  do {
    const Index n_k = std::min(kBlock<T>, p.n_k - k0);
    if (width == kPanel<T>)
      tiles<T, 2>(n_i, n_k, p, k0, start);
    else
      tiles<T, 1>(n_i, n_k, p, k0, start);
    start = nullptr;
    k0 += n_k;
  } while (k0 < p.n_k);
}

// The sums of the columns of n rows of Y, whole vectors wide, from the first row to the last. Eight
// vectors at once, since each sum is one chain of additions that has to wait for itself.
template <class T>
inline void column_sums(const T* Y, Index y_row, Index n, Index width, T* sums) {
  constexpr Index L = kLanes<T>, kAtOnce = 8;
  for (Index j = 0; j < width; j += kAtOnce * L) {
    const Index vectors = std::min(kAtOnce, (width - j) / L);
    if (vectors == kAtOnce) {
      Vec<T> acc[kAtOnce] = {};
      for (Index r = 0; r < n; ++r)
#pragma GCC unroll 8
        for (Index v = 0; v < kAtOnce; ++v) acc[v] = acc[v] + load(Y + r * y_row + j + v * L);
      for (Index v = 0; v < kAtOnce; ++v) store(sums + j + v * L, acc[v]);
    } else {
      for (Index v = 0; v < vectors; ++v) {
        Vec<T> acc{};
        for (Index r = 0; r < n; ++r) acc = acc + load(Y + r * y_row + j + v * L);
        store(sums + j + v * L, acc);
      }
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
