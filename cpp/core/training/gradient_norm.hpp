// The norm of a step's gradient, which is never stored: each piece of the weights leaves the sums of
// its columns' squares, and one thread adds them up in an order that neither threads nor the width
// of vectors change.
#pragma once

#include "../math/row_sum.hpp"
#include "optimizers.hpp"
#include "workspace.hpp"

#include <cmath>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

template <class T> class GradientNorm {
 public:
  // One layer more, of `pieces` runs of rows.
  void add_layer(Index pieces, Index columns) {
    const Index width = padded<T>(columns);
    layers_.push_back({Buffer<T>(pieces * width), pieces, width});
  }

  // Takes in a panel of a piece: its gradient, of the biases first if it has them, and the weights
  // that the penalties are of.
  void take(Index layer, Index piece, Index panel, const T* gradient, const T* weights,
            Index biases, Index rows, Index width, const Step<T>& step) {
    Layer& to = layers_[static_cast<std::size_t>(layer)];
    T* columns = to.squares.get() + piece * to.width + panel * kPanel<T>;
    const bool penalized = step.l2 != 0 || step.l1 != 0, wide = width > kLanes<T>;
    (wide        ? penalized ? add<2, true> : add<2, false>
     : penalized ? add<1, true>
                 : add<1, false>)(gradient, weights, biases, rows, step, columns);
  }

  // Of the last step whose pieces were all taken in.
  double norm() const {
    double total = 0;
    for (const Layer& layer : layers_)
      for (Index piece = 0; piece < layer.pieces; ++piece) {
        RowSum<T> sum;
        for (Index j = 0; j < layer.width; j += kLanes<T>)
          sum.add(load(layer.squares.get() + piece * layer.width + j));
        total += static_cast<double>(sum.total());
      }
    return std::sqrt(total);
  }

 private:
  static constexpr Index kRows = 4;  // that are added up side by side

  struct Layer {
    Buffer<T> squares;
    Index pieces, width;
  };

  // Of a panel with a width of that many vectors.
  template <int kVectors, bool kPenalty>
  static void add(const T* gradient, const T* weights, Index biases, Index rows,
                  const Step<T>& step, T* columns) {
    constexpr Index L = kLanes<T>;
    Vec<T> sums[kRows][kVectors] = {};
    const auto take_row = [&](const T* g, const T* w, Vec<T>* to) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        Vec<T> entry = load(g + v * L);
        if (kPenalty && w) entry = entry + penalty_gradient<T>(load(w + v * L), step.l2, step.l1);
        to[v] = to[v] + entry * entry;
      }
    };
    constexpr Index width = kVectors * L;
    if (biases) take_row(gradient, nullptr, sums[0]);
    const T* g = gradient + biases * width;
    Index r = 0;
    for (; r + kRows <= rows; r += kRows)
#pragma GCC unroll 4
      for (Index i = 0; i < kRows; ++i)
        take_row(g + (r + i) * width, weights + (r + i) * width, sums[i]);
#pragma GCC unroll 4
    for (Index i = 0; i < kRows; ++i)
      if (r + i < rows) take_row(g + (r + i) * width, weights + (r + i) * width, sums[i]);
    for (int v = 0; v < kVectors; ++v)
      store(columns + v * L, (sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]));
  }

  std::vector<Layer> layers_;
};

}  // namespace chainrule::CHAINRULE_ISA
