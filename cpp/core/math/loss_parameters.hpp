// Which loss a network has, and its parameters (see chainrule/maths/loss.py).
#pragma once

#include "simd.hpp"

#include <array>
#include <utility>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

enum class Loss : int {
  kSquaredError,
  kCrossEntropy,
  kLogLoss,
  kPoisson,
  kLogisticSquaredError,
  kIndicator,
  kAbsoluteError,
  kHuber,
  kQuantile,
  kGroupedLogLoss
};
constexpr std::array kLossNames{"squared_error",
                                "cross_entropy",
                                "log_loss",
                                "poisson",
                                "logistic_squared_error",
                                "indicator",
                                "absolute_error",
                                "huber",
                                "quantile",
                                "grouped_log_loss"};  // in the order of the values

// Whether each output has a target of its own that may be any number.
constexpr bool takes_numbers(Loss loss) {
  return loss == Loss::kSquaredError || loss == Loss::kAbsoluteError || loss == Loss::kHuber;
}

// A loss with its parameters, as plain numbers: Huber's delta; the quantiles; the label smoothing of
// the cross entropy, the log loss and the grouped log loss, there followed by the groups' sizes.
struct LossSettings {
  Loss loss = Loss::kSquaredError;
  std::vector<double> numbers;

  LossSettings() = default;
  LossSettings(Loss kind, std::vector<double> values = {})
      : loss(kind), numbers(std::move(values)) {}

  // Whether a network of that many outputs can have it.
  bool fits(Index n_outputs) const {
    const auto count = static_cast<Index>(numbers.size());
    if (loss == Loss::kHuber) return count == 1;
    if (loss == Loss::kQuantile) return count > 0 && n_outputs % count == 0;
    if (loss == Loss::kGroupedLogLoss) {
      double sum = 0;
      for (std::size_t i = 1; i < numbers.size(); ++i) {
        if (!(numbers[i] >= 1)) return false;
        sum += numbers[i];
      }
      return count > 1 && sum == static_cast<double>(n_outputs);
    }
    return count <= 1;
  }
};

// The same, as the functions below want it.
template <class T> struct LossParameters {
  T delta = 1, smoothing = 0;
  std::vector<T> quantiles;   // of each output, padded to whole vectors
  std::vector<Index> groups;  // the number of outputs of each group

  LossParameters(const LossSettings& settings, Index n_outputs) {
    const auto& numbers = settings.numbers;
    if (settings.loss == Loss::kHuber) {
      delta = static_cast<T>(numbers[0]);
    } else if (settings.loss == Loss::kQuantile) {
      quantiles.resize(static_cast<std::size_t>(padded<T>(n_outputs)));
      for (std::size_t k = 0; k < quantiles.size(); ++k)
        quantiles[k] = static_cast<T>(numbers[k % numbers.size()]);
    } else if (!numbers.empty()) {
      smoothing = static_cast<T>(numbers[0]);
      for (std::size_t i = 1; i < numbers.size(); ++i)
        groups.push_back(static_cast<Index>(numbers[i]));
    }
  }
};

}  // namespace chainrule::CHAINRULE_ISA
