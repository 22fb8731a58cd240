// Prediction: the hypotheses of one row, and of many by a team of threads (FP2.2).
#pragma once

#include "../math/losses.hpp"
#include "../team/threads.hpp"
#include "forward.hpp"

#include <chrono>
#include <functional>
#include <mutex>

namespace chainrule::CHAINRULE_ISA {

// Hypotheses of many rows. The parameters are packed again in every call, so that changes of
// theta by the user always take effect.
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
