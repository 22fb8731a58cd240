// The layers of a network, and its settings for training.
#pragma once

#include "../math/activations.hpp"
#include "../math/loss_parameters.hpp"

#include <vector>

namespace chainrule::CHAINRULE_ISA {

inline std::size_t idx(Index i) { return static_cast<std::size_t>(i); }

struct Architecture {
  std::vector<Index> sizes;
  std::vector<Activation> activations;  // one per hidden layer
  LossSettings loss;

  Index n_parameters() const {
    Index n = 0;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) n += (sizes[l] + 1) * sizes[l + 1];
    return n;
  }
  Index n_layers() const { return static_cast<Index>(sizes.size()) - 1; }  // of weights
};

}  // namespace chainrule::CHAINRULE_ISA
