// How the core lays parameters out: in panels of one or two vectors' width.
//
// Theta holds, layer by layer, a block of (in + 1) rows and `out` columns: the bias, then the
// weights. In a panel layout the columns are cut into panels of two vectors (the last one may have
// one); a panel's rows follow one another, so that a kernel walks through it from front to back.
// Columns are padded with zeros to whole vectors.
#pragma once

#include "../math/simd.hpp"

#include <algorithm>
#include <cstddef>

namespace chainrule::CHAINRULE_ISA {

template <class T> constexpr Index kPanel = 2 * kLanes<T>;

// The distance of rows of a matrix with n columns: whole vectors, and not a multiple of 1 KiB,
// which would put a column's entries into the same few sets of the cache.
template <class T> CHAINRULE_INLINE Index row_distance(Index n) {
  const Index columns = padded<T>(n);
  const bool clashes = columns * static_cast<Index>(sizeof(T)) % 1024 == 0;
  return clashes ? columns + kLanes<T> : columns;
}

// A part of a matrix: rows from ... to - 1, panels of columns first ... last - 1.
struct Part {
  Index from, to, first, last;

  Index rows() const { return to - from; }
};

// Copies a row that may be short, for which a call of memcpy takes longer than the copy.
template <class T> CHAINRULE_INLINE void copy_row(const T* from, Index n, T* to) {
  constexpr Index L = kLanes<T>;
  Index j = 0;
  for (; n - j >= L; j += L) store(to + j, load(from + j));
  if (j == n) return;
  if (n >= L)
    store(to + n - L, load(from + n - L));
  else
    for (; j < n; ++j) to[j] = from[j];
}

// A matrix of `rows` rows and `columns` columns in panels.
template <class T> struct Panels {
  T* data = nullptr;
  Index rows = 0;
  Index columns = 0;

  Index size() const { return rows * padded<T>(columns); }
  Index count() const { return (padded<T>(columns) + kPanel<T> - 1) / kPanel<T>; }
  Index width(Index panel) const {
    return std::min(kPanel<T>, padded<T>(columns) - panel * kPanel<T>);
  }
  // Of panels first ... last - 1 together.
  Index width_of(Index first, Index last) const {
    return first == last ? 0 : (last - 1 - first) * kPanel<T> + width(last - 1);
  }
  T* row(Index panel, Index r) const { return data + panel * kPanel<T> * rows + r * width(panel); }

  void read(const T* matrix) const {
    for (Index p = 0; p < count(); ++p) {
      const Index first = p * kPanel<T>, n = std::min(width(p), columns - first);
      for (Index r = 0; r < rows; ++r) {
        T* to = row(p, r);
        std::copy_n(matrix + r * columns + first, n, to);
        std::fill(to + n, to + width(p), T(0));
      }
    }
  }
  void write(T* matrix) const {
    for (Index p = 0; p < count(); ++p) {
      const Index first = p * kPanel<T>, n = std::min(width(p), columns - first);
      for (Index r = 0; r < rows; ++r) std::copy_n(row(p, r), n, matrix + r * columns + first);
    }
  }
};

}  // namespace chainrule::CHAINRULE_ISA
