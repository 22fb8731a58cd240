// Forward propagation of some rows (FP2.1, FP2.2).
#pragma once

#include "../kernels/gemm.hpp"
#include "../kernels/narrow.hpp"
#include "workspace.hpp"

namespace chainrule::CHAINRULE_ISA {

// z = b + a W (FP2.1) of one layer and, if it is hidden, a = g(z), for a part of them. The output's z
// is left in `delta`. A holds the layer's inputs of row 0 on, rows `a_row` apart.
template <class T>
void forward_part(const LayerPanels<T>& layer, const ActivationBlocks<T>* activation,
                  const typename BatchBuffers<T>::Layer& buffer, const T* A, Index a_row,
                  Part part) {
  const Panels<T>& panels = layer.theta;
  const Index distance = buffer.distance, n = part.rows();
  T* Z = (activation ? buffer.a : buffer.delta).get() + part.from * distance;
  T* slopes = buffer.slope.get();
  const bool relu = activation && activation->is_relu && !slopes;
  for (Index p = part.first; p < part.last; ++p) {
    Product<T> product{panels.rows - 1, A + part.from * a_row, a_row,   1, panels.row(p, 1),
                       panels.width(p), Z + p * kPanel<T>,     distance};
    const Index done = layer.narrow && !activation ? narrow_forward(n, panels.columns, product) : 0;
    product.A += done * a_row;
    product.C += done * distance;
    (relu ? multiply<T, Finish::kRelu> : multiply<T>)(n - done, panels.width(p), product,
                                                      panels.row(p, 0));
  }
  if (!activation || relu) return;
  const Index column = part.first * kPanel<T>;
  activation->forward(Z + column, slopes ? slopes + part.from * distance + column : nullptr,
                      {n, panels.width_of(part.first, part.last), distance});
}

// Carries rows r ... r + n - 1 of X through all layers up to the output's z. `after_hidden(l, part)` is
// called when the activations of a hidden layer are there.
template <class T, class AfterHidden>
void forward_rows(const Architecture& net, const std::vector<LayerPanels<T>>& layers,
                  const std::vector<ActivationBlocks<T>>& activations,
                  const BatchBuffers<T>& buffers, const T* X, Index r, Index n,
                  AfterHidden&& after_hidden) {
  const T* A = X;
  Index a_row = net.sizes[0];
  for (Index l = 0; l < net.n_layers(); ++l) {
    const bool output = l + 1 == net.n_layers();
    const Part part{r, r + n, 0, layers[idx(l)].theta.count()};
    forward_part(layers[idx(l)], output ? nullptr : &activations[idx(l)], buffers.layers[idx(l)], A,
                 a_row, part);
    if (output) return;
    after_hidden(l, part);
    A = buffers.layers[idx(l)].a.get();
    a_row = buffers.layers[idx(l)].distance;
  }
}

}  // namespace chainrule::CHAINRULE_ISA
