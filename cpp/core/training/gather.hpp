// The rows of a batch that do not follow one another in X, or come from a sparse matrix, copied to
// where they do.
#pragma once

#include "../kernels/layout.hpp"
#include "examples.hpp"

namespace chainrule::CHAINRULE_ISA {

// Rows r ... r + n - 1 of a batch, of `width` numbers each, written to their places in `to`;
// `after_row(row, i)` is called for each of them.
template <class T, class AfterRow>
void gather_rows(const Examples<T>& examples, const Batch<T>& batch, Index r, Index n, Index width,
                 T* to, AfterRow&& after_row) {
  constexpr Index kAhead = 16, kLine = 64 / static_cast<Index>(sizeof(T));
  for (Index i = r; i < r + n; ++i) {
    T* row = to + i * width;
    // In a random order finding a row in memory takes as long as all of its step's arithmetic.
    if (const Index next = i + kAhead; next < batch.n && examples.X) {
      const T* x = examples.X + examples.row(batch.targets.example(next)) * width;
      for (Index j = 0; j < std::min(width, 4 * kLine); j += kLine) __builtin_prefetch(x + j);
      __builtin_prefetch(batch.targets.y(next));
    }
    const Index number = examples.row(batch.targets.example(i));
    if (examples.X)
      copy_row(examples.X + number * width, width, row);
    else
      examples.sparse.write_row(number, row, width);
    after_row(row, i);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
