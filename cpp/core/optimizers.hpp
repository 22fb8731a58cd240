// Update rules over a run of parameters (see chainrule/optimizers).
#pragma once

#include "layout.hpp"

#include <cstdint>

namespace chainrule::CHAINRULE_ISA {

enum class Optimizer : int { kSGD, kMomentum, kNesterov, kAdam };

// How many arrays as long as theta a rule remembers.
constexpr int optimizer_slots(Optimizer o) {
  return o == Optimizer::kSGD ? 0 : o == Optimizer::kAdam ? 2 : 1;
}

struct OptimizerSettings {
  Optimizer kind = Optimizer::kSGD;
  double momentum = 0.0, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
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

// The numbers of one step, as vectors' scalars.
template <class T> struct Step {
  T rate, momentum, beta_1, rest_1, beta_2, rest_2, mean_scale, square_scale, epsilon;
  T l2, l1;  // lambda / S

  Step(const OptimizerSettings& s, double learning_rate, std::uint64_t t, double l2_over_S,
       double l1_over_S)
      : rate(static_cast<T>(learning_rate)), momentum(static_cast<T>(s.momentum)),
        beta_1(static_cast<T>(s.beta_1)), rest_1(static_cast<T>(1 - s.beta_1)),
        beta_2(static_cast<T>(s.beta_2)), rest_2(static_cast<T>(1 - s.beta_2)), mean_scale(0),
        square_scale(0), epsilon(static_cast<T>(s.epsilon)), l2(static_cast<T>(l2_over_S)),
        l1(static_cast<T>(l1_over_S)) {
    if (s.kind == Optimizer::kAdam) {
      mean_scale = static_cast<T>(1 / (1 - power(s.beta_1, t)));
      square_scale = static_cast<T>(1 / (1 - power(s.beta_2, t)));
    }
  }
};

// n parameters, whole vectors: gradient plus penalty, then the rule, in place.
template <class T, Optimizer o, bool kPenalty>
void update(T* w, T* first, T* second, const T* gradient, Index n, const Step<T>& s) {
  const Vec<T> zero{}, one = splat<T>(1);
  for (Index i = 0; i < n; i += kLanes<T>) {
    Vec<T> p = load(w + i), g = load(gradient + i);
    if constexpr (kPenalty) {
      const Vec<T> sign = select<T>(p > zero, one, select<T>(p < zero, -one, zero));
      g = g + (splat(s.l2) * p + splat(s.l1) * sign);
    }
    if constexpr (o == Optimizer::kSGD) {
      p = p - splat(s.rate) * g;
    } else if constexpr (o == Optimizer::kMomentum || o == Optimizer::kNesterov) {
      const Vec<T> mu = splat(s.momentum), v = mu * load(first + i) + g;
      store(first + i, v);
      p = p - splat(s.rate) * (o == Optimizer::kNesterov ? g + mu * v : v);
    } else {
      const Vec<T> m = splat(s.beta_1) * load(first + i) + splat(s.rest_1) * g;
      const Vec<T> v = splat(s.beta_2) * load(second + i) + splat(s.rest_2) * g * g;
      store(first + i, m);
      store(second + i, v);
      p = p - splat(s.rate) * (m * splat(s.mean_scale)) /
                  (sqrt(v * splat(s.square_scale)) + splat(s.epsilon));
    }
    store(w + i, p);
  }
}

template <class T>
using Update = void (*)(T* w, T* first, T* second, const T* gradient, Index n, const Step<T>& s);

template <class T> Update<T> choose_update(Optimizer o, bool penalty) {
  switch (o) {
    case Optimizer::kSGD: return penalty ? update<T, Optimizer::kSGD, true> : update<T, Optimizer::kSGD, false>;
    case Optimizer::kMomentum: return penalty ? update<T, Optimizer::kMomentum, true> : update<T, Optimizer::kMomentum, false>;
    case Optimizer::kNesterov: return penalty ? update<T, Optimizer::kNesterov, true> : update<T, Optimizer::kNesterov, false>;
    case Optimizer::kAdam: return penalty ? update<T, Optimizer::kAdam, true> : update<T, Optimizer::kAdam, false>;
  }
  return nullptr;
}

}  // namespace chainrule::CHAINRULE_ISA
