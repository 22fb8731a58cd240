// The penalties of the weights (notes 9.2, 9.3): their part of the cost and of the gradient.
#pragma once

#include "../kernels/layout.hpp"
#include "../math/row_sum.hpp"

namespace chainrule::CHAINRULE_ISA {

// lambda_2 w + lambda_1 sign(w), 0 for the sign of 0.
template <class T> CHAINRULE_INLINE Vec<T> penalty_gradient(Vec<T> w, T l2, T l1) {
  const Vec<T> zero{}, one = splat<T>(1);
  const Vec<T> sign = select<T>(w > zero, one, select<T>(w < zero, -one, zero));
  return splat(l2) * w + splat(l1) * sign;
}

template <class T> void add_penalty(const T* w, T* gradient, Index n, T l2, T l1) {
  for (Index i = 0; i < n; i += kLanes<T>)
    store(gradient + i, load(gradient + i) + penalty_gradient<T>(load(w + i), l2, l1));
}

// lambda_2/2 sum W^2 + lambda_1 sum |W| of the rows begin ... end - 1 of a layer's weights, in an
// order that no panel's width changes. Row 0 of the panels holds the biases, which have no penalty.
template <class T>
double penalty_cost(const Panels<T>& W, Index begin, Index end, double l2, double l1) {
  double sum = 0;
  for (Index k = begin; k < end; ++k) {
    RowSum<T> squares, sizes;
    for (Index p = 0; p < W.count(); ++p)
      for (Index j = 0; j < W.width(p); j += kLanes<T>) {
        const Vec<T> w = load(W.row(p, k + 1) + j);
        squares.add(w * w);
        sizes.add(select<T>(w < Vec<T>{}, -w, w));
      }
    sum +=
        0.5 * l2 * static_cast<double>(squares.total()) + l1 * static_cast<double>(sizes.total());
  }
  return sum;
}

}  // namespace chainrule::CHAINRULE_ISA
