// Dropout (notes 9.4), inverted: a mask of 0 and 1/(1 - p) for each node of a row, drawn by the row's
// place in its batch, so that whoever computes a part of the row draws the same.
#pragma once

#include "../math/philox.hpp"
#include "settings.hpp"

namespace chainrule::CHAINRULE_ISA {

template <class T> class Dropout {
 public:
  explicit Dropout(const Settings& settings) : settings_(settings) {}

  // A gathered row of X, the i-th of its batch, as layer 0; no slope leads back to it.
  void inputs(T* x, Index width, Index i, std::uint64_t step) const {
    const Stream stream{settings_.seed, Purpose::kDropout, 0, step};
    T mask[kMaskPart];
    for (Index at = 0; at < width; at += kMaskPart) {
      const Index n = std::min(kMaskPart, width - at);
      dropout_part(mask, at, n, width, idx(i), settings_.dropout[0], stream);
      for (Index j = 0; j < n; ++j) x[at + j] *= mask[j];
    }
  }

  // A part of hidden layer l, counted from 0, whose weights are `panels`. The slope carries the same
  // factor back.
  void nodes(const typename BatchBuffers<T>::Layer& buffer, const Panels<T>& panels, Index l,
             Part part, std::uint64_t step) const {
    if (settings_.dropout.empty() || settings_.dropout[idx(l) + 1] == 0) return;
    const Index width = panels.columns, first = part.first * kPanel<T>,
                end = first + panels.width_of(part.first, part.last);
    const Stream stream{settings_.seed, Purpose::kDropout, static_cast<std::uint32_t>(l + 1), step};
    for (Index i = part.from; i < part.to; ++i) {
      T* a = buffer.a.get() + i * buffer.distance;
      T* slope = buffer.slope.get() + i * buffer.distance;
      T mask[kMaskPart];
      for (Index at = first; at < end; at += kMaskPart) {
        const Index n = std::min<Index>(kMaskPart, end - at);
        std::fill_n(mask, n, T(0));
        dropout_part(mask, at, std::min(n, width - at), width, idx(i),
                     settings_.dropout[idx(l) + 1], stream);
        for (Index j = 0; j < n; j += kLanes<T>) {
          const Vec<T> m = load(mask + j);
          store(a + at + j, load(a + at + j) * m);
          store(slope + at + j, load(slope + at + j) * m);
        }
      }
    }
  }

 private:
  static constexpr Index kMaskPart = 256;

  const Settings& settings_;
};

}  // namespace chainrule::CHAINRULE_ISA
