// Training examples: dense or sparse rows, and the batches that a step takes of them.
#pragma once

#include "../math/losses.hpp"

#include <cstdint>

namespace chainrule::CHAINRULE_ISA {

// Rows of a sparse matrix (CSR): row i has the entries starts[i] ... starts[i + 1] - 1.
template <class T> struct SparseRows {
  const T* values = nullptr;
  const std::int32_t* columns32 = nullptr;  // columns and starts are both of one of the two types
  const std::int32_t* starts32 = nullptr;
  const std::int64_t* columns64 = nullptr;
  const std::int64_t* starts64 = nullptr;

  Index start(Index row) const {
    return starts32 ? starts32[row] : static_cast<Index>(starts64[row]);
  }
  Index column(Index entry) const {
    return columns32 ? columns32[entry] : static_cast<Index>(columns64[entry]);
  }
  // Adds up entries of the same place, as SciPy does.
  void write_row(Index row, T* to, Index width) const {
    std::fill_n(to, width, T(0));
    for (Index e = start(row); e < start(row + 1); ++e) to[column(e)] += values[e];
  }
};

template <class T> struct Examples {
  const T* X;  // rows of n_features, one after another; null if they are sparse
  SparseRows<T> sparse;
  const T* Y;       // rows of n_outputs
  const T* weight;  // or null
  Index n;
  double total;                           // S
  const std::int64_t* numbers = nullptr;  // the row of X of each example, or null: its own

  Index row(Index example) const {
    return numbers ? static_cast<Index>(numbers[example]) : example;
  }
};

// Rows of one step.
template <class T> struct Batch {
  const T* X;
  Index n;
  Targets<T> targets;
  std::uint64_t step;  // steps made before
  bool gathered;       // whether X has to be filled first
  bool measured;       // whether its gradient's norm is asked for
};

}  // namespace chainrule::CHAINRULE_ISA
