// The norm of a step's gradient, which is never stored: each piece of the weights leaves the sums of
// its columns' squares, and one thread adds them up in an order that neither threads nor the width
// of vectors change.
#pragma once

#include "losses.hpp"
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
  void take(Index layer, Index piece, Index panel, const T* gradient, const T* weights, Index biases,
            Index rows, Index width, const Step<T>& step) {
    Vec<T> sums[kRows][2] = {};
    for (Index r = 0; r < biases; ++r) add<false>(gradient + r * width, weights, width, step, sums[0]);
    const T* g = gradient + biases * width;
    const bool penalized = step.l2 != 0 || step.l1 != 0;
    for (Index r = 0; r < rows; ++r)
      (penalized ? add<true> : add<false>)(g + r * width, weights + r * width, width, step, sums[r % kRows]);
    Layer& to = layers_[static_cast<std::size_t>(layer)];
    T* columns = to.squares.get() + piece * to.width + panel * kPanel<T>;
    for (Index v = 0; v < width / kLanes<T>; ++v)
      store(columns + v * kLanes<T>, (sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]));
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

  template <bool kPenalty>
  static void add(const T* gradient, const T* weights, Index width, const Step<T>& step, Vec<T>* sums) {
    const Vec<T> zero{}, one = splat<T>(1);
    for (Index v = 0; v < width / kLanes<T>; ++v) {
      Vec<T> g = load(gradient + v * kLanes<T>);
      if constexpr (kPenalty) {
        const Vec<T> w = load(weights + v * kLanes<T>);
        g = g + (splat(step.l2) * w +
                 splat(step.l1) * select<T>(w > zero, one, select<T>(w < zero, -one, zero)));
      }
      sums[v] = sums[v] + g * g;
    }
  }

  std::vector<Layer> layers_;
};

}  // namespace chainrule::CHAINRULE_ISA
