// Forward propagation of some rows, and prediction (FP2.1, FP2.2).
#pragma once

#include "gemm.hpp"
#include "narrow.hpp"
#include "threads.hpp"
#include "workspace.hpp"

#include <chrono>
#include <functional>
#include <mutex>

namespace chainrule::CHAINRULE_ISA {

inline std::size_t idx(Index i) { return static_cast<std::size_t>(i); }

// A part of a matrix: rows from ... to - 1, panels of columns first ... last - 1.
struct Part {
  Index from, to, first, last;

  Index rows() const { return to - from; }
};

// z = b + a W (FP2.1) of one layer and, if it is hidden, a = g(z), for a part of them. The output's z
// is left in `delta`. A holds the layer's inputs of row 0 on, rows `a_row` apart.
template <class T>
void forward_part(const LayerPanels<T>& layer, const ActivationBlocks<T>* activation,
                  const typename BatchBuffers<T>::Layer& buffer, const T* A, Index a_row, Part part) {
  const Panels<T>& panels = layer.theta;
  const Index distance = buffer.distance, n = part.rows();
  T* Z = (activation ? buffer.a : buffer.delta).get() + part.from * distance;
  T* slopes = buffer.slope.get();
  const bool relu = activation && activation->is_relu && !slopes;
  for (Index p = part.first; p < part.last; ++p) {
    Product<T> product{panels.rows - 1, A + part.from * a_row, a_row, 1, panels.row(p, 1),
                       panels.width(p), Z + p * kPanel<T>, distance};
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

// Hypotheses of many rows. The parameters are laid out anew in every call, so that what a user
// wrote into theta always counts.
template <class T> class Predictor {
 public:
  explicit Predictor(const Architecture& net) : net_(net), losses_(net.loss, net.sizes.back()) {
    const Index widest = *std::max_element(net_.sizes.begin(), net_.sizes.end());
    for (auto& row : row_) row = Buffer<T>(padded<T>(widest));
    for (Index l = 0; l < net_.n_layers(); ++l) {
      layers_.emplace_back(net_.sizes[idx(l)], net_.sizes[idx(l) + 1], l > 0, 0, false);
      if (l + 1 < net_.n_layers())
        activations_.push_back(activation_blocks<T>(net_.activations[idx(l)]));
    }
  }

  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  // h (K) from one row x (N), straight from theta: nothing is laid out, so that a small network
  // answers at once. The chains are those of `predict`, and so are the bits.
  void predict_row(const T* theta, const T* x, T* h) {
    constexpr Index L = kLanes<T>;
    const FlushSubnormals mode;
    const T* a = x;
    for (Index l = 0; l < net_.n_layers(); ++l) {
      const Index in = net_.sizes[idx(l)], out = net_.sizes[idx(l) + 1];
      const T *b = theta, *W = theta + out;
      T* z = row_[l % 2].get();
      for (Index j = 0; j < out; j += L) {
        const int n = static_cast<int>(std::min(L, out - j));
        Vec<T> acc = load_first(b + j, n);
        for (Index k = 0; k < in; ++k) acc = fma(splat(a[k]), load_first(W + k * out + j, n), acc);
        store(z + j, acc);
      }
      theta += (in + 1) * out;
      if (l + 1 < net_.n_layers())
        activations_[idx(l)].forward(z, nullptr, {1, padded<T>(out), padded<T>(out)});
      else
        losses_.hypothesis(z, out);
      a = z;
    }
    std::copy_n(a, net_.sizes.back(), h);
  }

  const Architecture& architecture() const { return net_; }

  // H (n, K) from X (n, N), both with their rows one after another. `interrupted`, if it
  // is there, is asked about every 50 ms whether to stop; false if it was so, and H is not filled.
  bool predict(const T* theta, const T* X, T* H, Index n, int threads,
               const std::function<bool()>& interrupted) {
    threads = static_cast<int>(std::min<Index>(threads, (n + kRowBlock - 1) / kRowBlock));
    const std::unique_lock<std::mutex> lock(running_, std::try_to_lock);
    if (!lock)  // another thread of Python's predicts: with buffers of our own
      return Predictor<T>(net_).predict(theta, X, H, n, threads, interrupted);
    Index at = 0;
    for (const auto& layer : layers_) {
      layer.theta.read(theta + at);
      at += layer.theta.rows * layer.theta.columns;
    }
    while (static_cast<int>(buffers_.size()) < threads)
      buffers_.emplace_back(net_, kRowBlock, false, false, false);
    using Clock = std::chrono::steady_clock;
    auto last_asked = Clock::now();
    std::atomic<Index> next{0};
    std::atomic<bool> stop{false};
    in_team(threads, [&](int t) {
      for (Index r; (r = next.fetch_add(kRowBlock, std::memory_order_relaxed)) < n;) {
        if (t == 0 && interrupted && Clock::now() - last_asked >= std::chrono::milliseconds(50)) {
          stop.store(interrupted(), std::memory_order_relaxed);
          last_asked = Clock::now();
        }
        if (stop.load(std::memory_order_relaxed)) return;
        block(buffers_[static_cast<std::size_t>(t)], X + r * net_.sizes[0],
              H + r * net_.sizes.back(), std::min(kRowBlock, n - r));
      }
    });
    return !stop.load(std::memory_order_relaxed);
  }

 private:
  void block(const BatchBuffers<T>& buffers, const T* X, T* H, Index n) const {
    forward_rows(net_, layers_, activations_, buffers, X, 0, n, [](Index, Part) {});
    const auto& last = buffers.layers.back();
    const Index K = net_.sizes.back();
    for (Index i = 0; i < n; ++i) {
      T* z = last.delta.get() + i * last.distance;
      losses_.hypothesis(z, K);
      std::copy_n(z, K, H + i * K);
    }
  }

  const Architecture net_;
  const LossBlocks<T> losses_;
  std::vector<LayerPanels<T>> layers_;
  std::vector<ActivationBlocks<T>> activations_;
  std::vector<BatchBuffers<T>> buffers_;
  Buffer<T> row_[2];
  std::mutex running_;
};

}  // namespace chainrule::CHAINRULE_ISA
