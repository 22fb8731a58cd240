// Update rules over a run of parameters (see chainrule/optimizers).
#pragma once

#include "../math/exp.hpp"
#include "penalties.hpp"

#include <array>
#include <cstdint>

namespace chainrule::CHAINRULE_ISA {

enum class Optimizer : int {
  kSGD,
  kMomentum,
  kNesterov,
  kAdam,
  kAdamW,
  kNadam,
  kAdagrad,
  kRMSprop,
  kRprop
};
constexpr std::array kRuleNames{
    "sgd",   "momentum", "nesterov", "adam", "adamw",
    "nadam", "adagrad",  "rmsprop",  "rprop"};  // in the order of the values

// The number of arrays as long as theta in a rule's state.
constexpr int optimizer_slots(Optimizer o) {
  switch (o) {
    case Optimizer::kSGD: return 0;
    case Optimizer::kMomentum:
    case Optimizer::kNesterov:
    case Optimizer::kAdagrad:
    case Optimizer::kRMSprop: return 1;
    default: return 2;
  }
}

struct OptimizerSettings {
  Optimizer kind = Optimizer::kSGD;
  double momentum = 0.0, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0.0, momentum_decay = 0.0, rho = 0.0;
  double eta_minus = 0.5, eta_plus = 1.2, min_step = 1e-6, max_step = 50.0;
};

// beta^t by squaring: a function of t alone, so that resuming needs no running product.
inline double power(double base, std::uint64_t exponent) {
  double result = 1.0;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

// Nadam's momentum of step t: beta_1 (1 - 0.96^(t psi) / 2).
inline double nadam_momentum(const OptimizerSettings& s, std::uint64_t t) {
  constexpr double kLog = -0.040821994520255166;  // of 0.96
  const double z = static_cast<double>(t) * s.momentum_decay * kLog;
  return s.beta_1 * (1 - 0.5 * exp<double>(splat(z))[0]);
}

// The numbers of one step, as vectors' scalars.
template <class T> struct Step {
  T rate, momentum, beta_1, rest_1, beta_2, rest_2, mean_scale, square_scale, epsilon;
  T grad_scale, kept, eta_minus, eta_plus, min_step, max_step;
  T l2, l1;  // lambda / S

  // Nadam's product of the momenta of all steps before.
  Step(const OptimizerSettings& s, double learning_rate, std::uint64_t t, double l2_over_S,
       double l1_over_S, double momentum_product = 1.0)
      : rate(static_cast<T>(learning_rate)),
        momentum(static_cast<T>(s.momentum)),
        beta_1(static_cast<T>(s.beta_1)),
        rest_1(static_cast<T>(1 - s.beta_1)),
        beta_2(static_cast<T>(s.beta_2)),
        rest_2(static_cast<T>(1 - s.beta_2)),
        mean_scale(0),
        square_scale(0),
        epsilon(static_cast<T>(s.epsilon)),
        grad_scale(0),
        kept(static_cast<T>(1 - learning_rate * s.weight_decay)),
        eta_minus(static_cast<T>(s.eta_minus)),
        eta_plus(static_cast<T>(s.eta_plus)),
        min_step(static_cast<T>(s.min_step)),
        max_step(static_cast<T>(s.max_step)),
        l2(static_cast<T>(l2_over_S)),
        l1(static_cast<T>(l1_over_S)) {
    if (s.kind == Optimizer::kRMSprop) {
      beta_2 = static_cast<T>(s.rho);
      rest_2 = static_cast<T>(1 - s.rho);
    } else if (s.kind == Optimizer::kAdam || s.kind == Optimizer::kAdamW) {
      mean_scale = static_cast<T>(1 / (1 - power(s.beta_1, t)));
      square_scale = static_cast<T>(1 / (1 - power(s.beta_2, t)));
    } else if (s.kind == Optimizer::kNadam) {
      const double mu = nadam_momentum(s, t), next = nadam_momentum(s, t + 1);
      const double product = momentum_product * mu;
      grad_scale = static_cast<T>((1 - mu) / (1 - product));
      mean_scale = static_cast<T>(next / (1 - product * next));
      square_scale = static_cast<T>(1 / (1 - power(s.beta_2, t)));
    }
  }
};

// n parameters, whole vectors: gradient plus penalty, then the rule, in place. AdamW is for weights;
// biases, which do not decay, are given to Adam.
template <class T, Optimizer o, bool kPenalty>
void update(T* w, T* first, T* second, const T* gradient, Index n, const Step<T>& s) {
  for (Index i = 0; i < n; i += kLanes<T>) {
    Vec<T> p = load(w + i), g = load(gradient + i);
    if constexpr (kPenalty) g = g + penalty_gradient<T>(p, s.l2, s.l1);
    if constexpr (o == Optimizer::kSGD) {
      p = p - splat(s.rate) * g;
    } else if constexpr (o == Optimizer::kMomentum || o == Optimizer::kNesterov) {
      const Vec<T> mu = splat(s.momentum), v = mu * load(first + i) + g;
      store(first + i, v);
      p = p - splat(s.rate) * (o == Optimizer::kNesterov ? g + mu * v : v);
    } else if constexpr (o == Optimizer::kAdagrad) {
      const Vec<T> sum = load(first + i) + g * g;
      store(first + i, sum);
      p = p - splat(s.rate) * g / (sqrt(sum) + splat(s.epsilon));
    } else if constexpr (o == Optimizer::kRMSprop) {
      const Vec<T> v = splat(s.beta_2) * load(first + i) + splat(s.rest_2) * g * g;
      store(first + i, v);
      p = p - splat(s.rate) * g / (sqrt(v) + splat(s.epsilon));
    } else if constexpr (o == Optimizer::kRprop) {
      const Vec<T> before = load(first + i), zero{}, one = splat<T>(1);
      const auto agree = ((before > zero) & (g > zero)) | ((before < zero) & (g < zero));
      const auto differ = ((before > zero) & (g < zero)) | ((before < zero) & (g > zero));
      Vec<T> size = load(second + i);
      size = size * select<T>(agree, splat(s.eta_plus), select<T>(differ, splat(s.eta_minus), one));
      size = min<T>(splat(s.max_step), max<T>(splat(s.min_step), size));
      g = select<T>(differ, zero, g);
      store(first + i, g);
      store(second + i, size);
      p = select<T>(g > zero, p - size, select<T>(g < zero, p + size, p));
    } else {
      const Vec<T> m = splat(s.beta_1) * load(first + i) + splat(s.rest_1) * g;
      const Vec<T> v = splat(s.beta_2) * load(second + i) + splat(s.rest_2) * g * g;
      store(first + i, m);
      store(second + i, v);
      Vec<T> ahead = m * splat(s.mean_scale);
      if constexpr (o == Optimizer::kAdamW) p = p * splat(s.kept);
      if constexpr (o == Optimizer::kNadam) ahead = ahead + g * splat(s.grad_scale);
      p = p - splat(s.rate) * ahead / (sqrt(v * splat(s.square_scale)) + splat(s.epsilon));
    }
    store(w + i, p);
  }
}

template <class T>
using Update = void (*)(T* w, T* first, T* second, const T* gradient, Index n, const Step<T>& s);

template <class T> Update<T> choose_update(Optimizer o, bool penalty) {
  switch (o) {
#define CHAINRULE_RULE(o) \
  case Optimizer::o: return penalty ? update<T, Optimizer::o, true> : update<T, Optimizer::o, false>
    CHAINRULE_RULE(kSGD);
    CHAINRULE_RULE(kMomentum);
    CHAINRULE_RULE(kNesterov);
    CHAINRULE_RULE(kAdam);
    CHAINRULE_RULE(kAdamW);
    CHAINRULE_RULE(kNadam);
    CHAINRULE_RULE(kAdagrad);
    CHAINRULE_RULE(kRMSprop);
    CHAINRULE_RULE(kRprop);
#undef CHAINRULE_RULE
  }
  return nullptr;
}

// The rule for biases, which are neither penalized nor decay.
template <class T> Update<T> choose_bias_update(Optimizer o) {
  return choose_update<T>(o == Optimizer::kAdamW ? Optimizer::kAdam : o, false);
}

}  // namespace chainrule::CHAINRULE_ISA
