// The settings of a training: everything except the data and the progress.
#pragma once

#include "../kernels/gemm.hpp"
#include "architecture.hpp"
#include "optimizers.hpp"
#include "workspace.hpp"

#include <algorithm>
#include <chrono>

namespace chainrule::CHAINRULE_ISA {

struct Settings {
  OptimizerSettings optimizer;
  double l2 = 0.0, l1 = 0.0;
  double max_grad_norm = 0.0;  // the norm to which longer gradients are scaled down; 0 for no limit
  std::vector<double> dropout;  // that of the input, then one per hidden layer; or none
  std::uint64_t seed = 0;
  Index batch_size = 1;
  bool shuffle = true;
  bool sparse = false;    // whether rows come from a sparse matrix
  bool numbered = false;  // whether examples are rows of X by their numbers
  int threads = 1;
  bool fixed_threads = true;                // or any number up to that, whichever is fastest
  std::chrono::milliseconds ask_every{50};  // whether there was an interruption

  bool drops_inputs() const { return !dropout.empty() && dropout[0] > 0; }
  bool drops_nodes() const {
    return !dropout.empty() &&
           std::any_of(dropout.begin() + 1, dropout.end(), [](double p) { return p > 0; });
  }
};

constexpr double kMediumStep = 1e6;  // multiplications that take some 10 us
constexpr double kLongStep = 8e6;    // some 100 us: beyond, threads win if they are there

// Multiplications of a step, roughly.
inline double step_work(const Architecture& net, Index n_batch) {
  double n = 1;
  for (Index l = 0; l < net.n_layers(); ++l)
    n += 3.0 * static_cast<double>(n_batch * net.sizes[idx(l)] * net.sizes[idx(l) + 1]);
  return n;
}

// No more threads than a step has parts: tiles of rows, blocks of weights.
inline int threads_of_use(const Architecture& net, int threads, Index n_batch) {
  const Index tiles = (n_batch + kTileRows - 1) / kTileRows;
  Index blocks = 0;
  for (Index l = 0; l < net.n_layers(); ++l)
    blocks += (net.sizes[idx(l)] + kRowBlock - 1) / kRowBlock;
  return static_cast<int>(std::min<Index>(threads, std::max(tiles, blocks)));
}

}  // namespace chainrule::CHAINRULE_ISA
