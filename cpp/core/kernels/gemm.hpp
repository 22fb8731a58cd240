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

// What a chain without a bias starts from, for up to four vectors.
template <class T> alignas(kVectorBytes) inline const T kZeros[4 * kLanes<T>] = {};

// Rows of a tile: as many accumulators as the registers hold beside two vectors of Y.
constexpr int kTileRows = kVectorBytes == 64 ? 12 : 6;
// k in blocks, so that a panel's block stays in the first-level cache while the tiles pass over it.
template <class T> constexpr Index kBlock = 1024 / static_cast<Index>(sizeof(T));

template <class T> struct Product {
  Index n_k;   // the length of the sum
  const T* A;  // A(i, k) = A[i * a_row + k * a_k]
  Index a_row, a_k;
  const T* Y;  // Y(k, j) = Y[k * y_row + j]
  Index y_row;
  T* C;  // C(i, j) = C[i * c_row + j]
  Index c_row;
  const T* a = nullptr;  // laid out as C; for Finish::kReluSlope
  // Whether row 0 of C, one of the n_i >= 2 rows then, is the sum of Y's rows: as if A had a row of ones
  // before its own.
  bool sums = false;
};

// What becomes of an element of C before it is stored: nothing, or the rectifier and its slope (where
// a > 0), which cost less here than another pass over the matrix.
enum class Finish { kNone, kRelu, kReluSlope };

// Rows reached by a pointer to every third: p + d and p + 2 d are addresses of one instruction, so that
// twelve rows take five registers, where a pointer for each would not fit.
template <class T, int n> struct RowsByThree {
  const char* at[(n + 2) / 3];
  Index distance;  // in bytes

  CHAINRULE_INLINE RowsByThree(const T* first, Index row)
      : distance(row * static_cast<Index>(sizeof(T))) {
    const char* p = reinterpret_cast<const char*>(first);
#pragma GCC unroll 4
    for (int i = 0; i < (n + 2) / 3; ++i) at[i] = p + 3 * i * distance;
  }
  CHAINRULE_INLINE T* row(int i) const {
    return reinterpret_cast<T*>(const_cast<char*>(at[i / 3] + (i % 3) * distance));
  }
  CHAINRULE_INLINE void advance(Index bytes) {
    // The empty lines of assembly keep the compiler from making a pointer for each row after all, and
    // from holding pointers in vectors.
    asm("" : "+r"(distance));
#pragma GCC unroll 4
    for (int i = 0; i < (n + 2) / 3; ++i) {
      const char* p = at[i] + bytes;
      asm("" : "+r"(p));
      at[i] = p;
    }
  }
};

// MR rows and NV vectors of C at once. `start` is a row to start from, or null for what C holds. With
// kSums row 0 of A counts as ones.
template <class T, int MR, int NV, Finish finish, bool kSums = false>
CHAINRULE_INLINE void tile(Index n_k, const T* A, Index a_row, Index a_k, const T* Y, Index y_row,
                           T* C, Index c_row, const T* start, const T* a) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[MR][NV];
  const RowsByThree<T, MR> c(C, c_row);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[i][v] = load((start ? start : c.row(i)) + v * L);
  RowsByThree<T, MR> x(A, a_row);
  const Index step = a_k * static_cast<Index>(sizeof(T));
  Index k = 0;
  do {  // a sum has at least one term
    Vec<T> y[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) y[v] = load(Y + v * L);
    Y += y_row;
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> xi = kSums && i == 0 ? splat<T>(1) : broadcast(*x.row(i));
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[i][v] = fma(xi, y[v], acc[i][v]);
    }
    x.advance(step);
  } while (++k < n_k);
  const RowsByThree<T, MR> slopes(a, c_row);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      if constexpr (finish == Finish::kRelu)
        acc[i][v] = select<T>(acc[i][v] > Vec<T>{}, acc[i][v], Vec<T>{});
      else if constexpr (finish == Finish::kReluSlope)
        acc[i][v] = select<T>(load(slopes.row(i) + v * L) > Vec<T>{}, acc[i][v], Vec<T>{});
      store(c.row(i) + v * L, acc[i][v]);
    }
}

// The last n_i < kTileRows rows, as one tile of just that height.
template <class T, int NV, Finish finish, bool kSums = false>
CHAINRULE_INLINE void last_tile(Index n_i, Index n_k, const Product<T>& p, const T* A, const T* Y,
                                T* C, const T* start, const T* a) {
  auto run = [&](auto rows) {
    constexpr int MR = decltype(rows)::value;
    if constexpr (MR < kTileRows)
      tile<T, MR, NV, finish, kSums>(n_k, A, p.a_row, p.a_k, Y, p.y_row, C, p.c_row, start, a);
  };
  switch (n_i) {
    case 1: return run(std::integral_constant<int, 1>{});
    case 2: return run(std::integral_constant<int, 2>{});
    case 3: return run(std::integral_constant<int, 3>{});
    case 4: return run(std::integral_constant<int, 4>{});
    case 5: return run(std::integral_constant<int, 5>{});
    case 6: return run(std::integral_constant<int, 6>{});
    case 7: return run(std::integral_constant<int, 7>{});
    case 8: return run(std::integral_constant<int, 8>{});
    case 9: return run(std::integral_constant<int, 9>{});
    case 10: return run(std::integral_constant<int, 10>{});
    case 11: return run(std::integral_constant<int, 11>{});
    default: return;
  }
}

// The first rows of C, of which row 0 is the sum of Y's rows; returns how many. A function of its own,
// since GCC lacks registers for the sums where all tiles are in one.
template <class T, int NV>
__attribute__((noinline)) Index first_tile(Index n_i, Index n_k, const Product<T>& p, const T* A,
                                           const T* Y, const T* start) {
  A -= p.a_row;
  if (n_i < kTileRows) {
    last_tile<T, NV, Finish::kNone, true>(n_i, n_k, p, A, Y, p.C, start, nullptr);
    return n_i;
  }
  tile<T, kTileRows, NV, Finish::kNone, true>(n_k, A, p.a_row, p.a_k, Y, p.y_row, p.C, p.c_row,
                                              start, nullptr);
  return kTileRows;
}

// All rows i of one block of k: whole tiles, then what is left.
template <class T, int NV, Finish finish>
void tiles(Index n_i, Index n_k, const Product<T>& p, Index k0, const T* start) {
  const T* A = p.A + k0 * p.a_k;
  const T* Y = p.Y + k0 * p.y_row;
  Index i = 0;
  if (p.sums) {
    i = first_tile<T, NV>(n_i, n_k, p, A, Y, start);
    A -= p.a_row;
  }
  for (; n_i - i >= kTileRows; i += kTileRows)
    tile<T, kTileRows, NV, finish>(n_k, A + i * p.a_row, p.a_row, p.a_k, Y, p.y_row,
                                   p.C + i * p.c_row, p.c_row, start, p.a + i * p.c_row);
  last_tile<T, NV, finish>(n_i - i, n_k, p, A + i * p.a_row, Y, p.C + i * p.c_row, start,
                           p.a + i * p.c_row);
}

// The product over one panel of `width` columns (one or two vectors), starting from a row.
template <class T, Finish finish = Finish::kNone>
inline void multiply(Index n_i, Index width, const Product<T>& p, const T* start) {
  auto block = [&](auto how, Index n_k, Index k0) {
    constexpr Finish f = decltype(how)::value;
    if (n_i == 1 && width < kPanel<T>) {  // a small network's single example: no detours
      tile<T, 1, 1, f>(n_k, p.A + k0 * p.a_k, p.a_row, p.a_k, p.Y + k0 * p.y_row, p.y_row, p.C,
                       p.c_row, start, p.a);
      start = nullptr;
      return;
    }
    if (width == kPanel<T>)
      tiles<T, 2, f>(n_i, n_k, p, k0, start);
    else
      tiles<T, 1, f>(n_i, n_k, p, k0, start);
    start = nullptr;
  };
  Index k0 = 0;
  for (; p.n_k - k0 > kBlock<T>; k0 += kBlock<T>)
    block(std::integral_constant<Finish, Finish::kNone>{}, kBlock<T>, k0);
  block(std::integral_constant<Finish, finish>{}, p.n_k - k0, k0);
}

// The sums of the columns of n rows of Y, from the first row to the last: of several vectors at once,
// since each sum is one chain of additions that has to wait for itself.
template <class T, int kAtOnce = 8>
inline void column_sums(const T* Y, Index y_row, Index n, Index width, T* sums) {
  constexpr Index L = kLanes<T>;
  Index j = 0;
  for (; width - j >= kAtOnce * L; j += kAtOnce * L) {
    Vec<T> acc[kAtOnce] = {};
    for (Index r = 0; r < n; ++r)
#pragma GCC unroll 8
      for (Index v = 0; v < kAtOnce; ++v) acc[v] = acc[v] + load(Y + r * y_row + j + v * L);
#pragma GCC unroll 8
    for (Index v = 0; v < kAtOnce; ++v) store(sums + j + v * L, acc[v]);
  }
  if constexpr (kAtOnce > 1)
    if (j < width) column_sums<T, kAtOnce - 1>(Y + j, y_row, n, width - j, sums + j);
}

}  // namespace chainrule::CHAINRULE_ISA
