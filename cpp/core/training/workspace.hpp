// Everything a call needs in memory, allocated once: panels of the parameters and of the
// optimizer's memory, activations, deltas.
#pragma once

#include "../kernels/layout.hpp"
#include "../kernels/narrow.hpp"
#include "../math/transpose.hpp"
#include "architecture.hpp"

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

constexpr Index kRowBlock = 96;  // rows that go through all layers together: they stay in the cache

// An aligned array of zeros.
template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index n) : size_(n) {
    if (n == 0) return;
    const std::size_t bytes = (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    if (!data_) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }
  T* get() const { return data_.get(); }
  Index size() const { return size_; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  Index size_ = 0;
};

// One layer of weights in panels: parameters, the optimizer's memory, the weights transposed for
// the backward pass, and the gradient if it is needed as a whole.
template <class T> struct LayerPanels {
  Buffer<T> memory[5];
  Panels<T> theta, first, second, transposed, gradient;
  bool narrow;  // its outputs fill too little of a vector, and its inputs are padded

  LayerPanels(Index in, Index out, bool padded_inputs, int slots, bool needs_transposed,
              bool keeps_gradient = false)
      : narrow(padded_inputs && out <= kMostNarrow<T> && in >= 4 * kLanes<T>) {
    auto panels = [&](int which, Index rows, Index columns, bool wanted) {
      Panels<T> p{nullptr, rows, columns};
      if (!wanted) return p;
      memory[which] = Buffer<T>(p.size());
      p.data = memory[which].get();
      return p;
    };
    theta = panels(0, in + 1, out, true);
    first = panels(1, in + 1, out, slots > 0);
    second = panels(2, in + 1, out, slots > 1);
    transposed = panels(3, out, in, needs_transposed);
    gradient = panels(4, in + 1, out, keeps_gradient);
  }

  // Copies rows k0 <= k < k1 of one panel of the weights into the transposed panels, a square of
  // vectors at a time. k0 is a multiple of the lanes; what lies behind the last row counts as 0.
  void transpose(Index panel, Index k0, Index k1) const {
    constexpr Index L = kLanes<T>;
    const Index w = theta.width(panel), first_column = panel * kPanel<T>;
    for (Index k = k0; k < k1; k += L) {
      const Index p = k / kPanel<T>, there = k - p * kPanel<T>;
      for (Index j = 0; j < w; j += L) {
        const Index n = std::min(L, theta.columns - first_column - j);
        Vec<T> square[L];
        for (Index i = 0; i < L; ++i)
          square[i] = k + i < k1 ? load(theta.row(panel, 1 + k + i) + j) : Vec<T>{};
        transpose_square<T>(square);
        for (Index i = 0; i < n; ++i)
          store(transposed.row(p, first_column + j + i) + there, square[i]);
      }
    }
  }
};

// What a batch of up to `rows` examples goes through.
template <class T> struct BatchBuffers {
  struct Layer {
    Buffer<T> a, slope, delta;
    Index distance;
  };
  std::vector<Layer> layers;  // after each layer of weights
  Buffer<T> X, loss;

  BatchBuffers(const Architecture& net, Index n_rows, bool training, bool keep_every_slope,
               bool gathers)
      : X(gathers ? n_rows * net.sizes[0] : 0), loss(training ? n_rows : 0) {
    for (Index l = 0; l < net.n_layers(); ++l) {
      const bool output = l + 1 == net.n_layers();
      const Index distance = row_distance<T>(net.sizes[static_cast<std::size_t>(l) + 1]);
      const bool slope =
          training && !output &&
          (keep_every_slope || !slope_is_in_a(net.activations[static_cast<std::size_t>(l)]));
      Layer layer;
      layer.distance = distance;
      if (!output) layer.a = Buffer<T>(n_rows * distance);
      if (slope) layer.slope = Buffer<T>(n_rows * distance);
      if (training || output) layer.delta = Buffer<T>(n_rows * distance);
      layers.push_back(std::move(layer));
    }
  }
};

}  // namespace chainrule::CHAINRULE_ISA
