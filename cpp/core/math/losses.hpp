// Output pairs over a row of z: hypothesis, loss and delta (see chainrule/maths/losses.py).
#pragma once

#include "functions.hpp"
#include "loss_parameters.hpp"
#include "row_sum.hpp"
#include "transpose.hpp"

namespace chainrule::CHAINRULE_ISA {

// Label smoothing of y among K classes: y (1 - e) + e/K.
template <class T> CHAINRULE_INLINE Vec<T> smoothed(Vec<T> y, T e, Index n_classes) {
  return splat<T>(1 - e) * y + splat<T>(e / static_cast<T>(n_classes));
}

template <class T> CHAINRULE_INLINE T largest(const T* z, Index n) {
  T m = z[0];
  for (Index j = 1; j < n; ++j) m = z[j] > m ? z[j] : m;
  return m;
}

// A row's vectors of z: whole ones if it is padded, else only its entries are touched.
template <class T, bool is_padded> CHAINRULE_INLINE Vec<T> load_of_row(const T* z, int lanes) {
  return is_padded ? load(z) : load_first(z, lanes);
}
template <class T, bool is_padded> CHAINRULE_INLINE void store_of_row(T* z, Vec<T> v, int lanes) {
  is_padded ? store(z, v) : store_first(z, v, lanes);
}

template <class T, bool is_padded> CHAINRULE_INLINE void softmax_row(T* z, Index n) {
  constexpr int L = kLanes<T>;
  const Vec<T> m = splat(largest(z, n));
  RowSum<T> sum;
  for (Index j = 0; j < n; j += L) {
    const int lanes = static_cast<int>(std::min<Index>(L, n - j));
    const Vec<T> e = select<T>(first_lanes<T>(lanes),
                               exp<T>(load_of_row<T, is_padded>(z + j, lanes) - m), Vec<T>{});
    store_of_row<T, is_padded>(z + j, e, lanes);
    sum.add(e);
  }
  const Vec<T> total = splat(sum.total());
  for (Index j = 0; j < n; j += L) {
    const int lanes = static_cast<int>(std::min<Index>(L, n - j));
    store_of_row<T, is_padded>(z + j, load_of_row<T, is_padded>(z + j, lanes) / total, lanes);
  }
}

// z becomes h in place; n = K outputs, padded to whole vectors behind.
template <class T, Loss loss>
void hypothesis_row(T* z, Index n, const LossParameters<T>& parameters) {
  constexpr int L = kLanes<T>;
  if constexpr (loss == Loss::kLogLoss) return softmax_row<T, true>(z, n);
  if constexpr (loss == Loss::kGroupedLogLoss) {
    for (const Index classes : parameters.groups) {
      softmax_row<T, false>(z, classes);
      z += classes;
    }
    return;
  }
  for (Index j = 0; j < n; j += L) {
    const Vec<T> v = load(z + j);
    if constexpr (loss == Loss::kCrossEntropy || loss == Loss::kLogisticSquaredError)
      store(z + j, logistic<T>(v));
    else if constexpr (loss == Loss::kPoisson)
      store(z + j, exp<T>(v));
    else if constexpr (loss == Loss::kIndicator)
      store(z + j, select<T>(v >= Vec<T>{}, splat<T>(1), Vec<T>{}));
  }
}

// The targets and weights of some rows of a batch.
template <class T> struct Targets {
  const T* Y;          // rows of n outputs
  const T* weight;     // or null
  const Index* order;  // the example of each row, or null if they follow one another from `start`
  Index start, n;
  T scale;  // M / (B S)

  CHAINRULE_INLINE Index example(Index row) const { return order ? order[row] : start + row; }
  CHAINRULE_INLINE const T* y(Index row) const { return Y + example(row) * n; }
  CHAINRULE_INLINE T c(Index row) const { return weight ? scale * weight[example(row)] : scale; }
};

// The log loss of one example is -sum y log h = (sum y) log sum e^(z - m) - sum y (z - m), with m
// the largest z. Here the three sums are made, and delta; the logarithm is taken of many rows at once.
template <class T, bool is_padded = true>
CHAINRULE_INLINE void log_loss_row(T* z, const T* y, Index n, T c, T smoothing, T& total, T& weight,
                                   T& dot) {
  constexpr int L = kLanes<T>;
  const Vec<T> m = splat(largest(z, n)), scale = splat(c), zero{};
  const auto target = [&](Index j, int lanes) {
    const Vec<T> t = load_first(y + j, lanes);
    return smoothing == 0 ? t
                          : select<T>(first_lanes<T>(lanes), smoothed<T>(t, smoothing, n), zero);
  };
  RowSum<T> totals, weights, dots;
  for (Index j = 0; j < n; j += L) {
    const int lanes = static_cast<int>(std::min<Index>(L, n - j));
    const Vec<T> shifted = load_of_row<T, is_padded>(z + j, lanes) - m, t = target(j, lanes);
    const Vec<T> e = select<T>(first_lanes<T>(lanes), exp<T>(shifted), zero);
    store_of_row<T, is_padded>(z + j, e, lanes);
    totals.add(e);
    weights.add(t);
    dots.add(t * select<T>(first_lanes<T>(lanes), shifted, zero));
  }
  total = totals.total();
  weight = weights.total();
  dot = dots.total();
  const Vec<T> inverse = splat(c / total);
  for (Index j = 0; j < n; j += L) {
    const int lanes = static_cast<int>(std::min<Index>(L, n - j));
    const Vec<T> e = load_of_row<T, is_padded>(z + j, lanes), t = target(j, lanes);
    store_of_row<T, is_padded>(z + j, e * inverse - scale * t, lanes);
  }
}

// The log losses of an example's groups added up (returned, times c), and delta in place of z.
template <class T>
T grouped_log_loss_row(T* z, const T* y, Index n, T c, const LossParameters<T>& parameters) {
  T loss = 0;
  T* group = z;
  for (const Index classes : parameters.groups) {
    T total, weight, dot;
    log_loss_row<T, false>(group, y, classes, c, parameters.smoothing, total, weight, dot);
    const Vec<T> log_of_total = log<T>(splat(total));
    loss = loss + (weight * log_of_total[0] - dot);
    group += classes;
    y += classes;
  }
  std::fill(z + n, z + padded<T>(n), T(0));
  return c * loss;
}

// The sum of n <= kLanes<T> entries that lie each in a vector of its own, in RowSum's order.
template <class T> CHAINRULE_INLINE Vec<T> sum_across(const Vec<T>* entries, Index n) {
  constexpr int kPlaces = 64 / static_cast<int>(sizeof(T));
  Vec<T> place[kPlaces];
  for (int j = 0; j < kPlaces; ++j) place[j] = j < n ? entries[j] : Vec<T>{};
  for (int half = kPlaces / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) place[j] = place[j] + place[j + half];
  return place[0];
}

// The same for as many rows at once as a vector has lanes, a class in each vector: few classes would
// leave most lanes of a row's own vector empty. n <= kLanes<T>.
template <class T>
CHAINRULE_INLINE void log_loss_rows(T* z, Index distance, const T* const* y, Index n, Vec<T> c,
                                    T smoothing, Vec<T>& total, Vec<T>& weight, Vec<T>& dot) {
  constexpr int L = kLanes<T>;
  const Vec<T> zero{};
  Vec<T> e[L], t[L], term[L];
  for (int i = 0; i < L; ++i) {
    e[i] = load(z + i * distance);
    t[i] = load_first(y[i], static_cast<int>(n));
  }
  transpose_square<T>(e);
  transpose_square<T>(t);
  Vec<T> m = e[0];
  for (Index j = 1; j < n; ++j) m = select<T>(e[j] > m, e[j], m);
  for (Index j = 0; j < n; ++j) {
    const Vec<T> shifted = e[j] - m;
    e[j] = exp<T>(shifted);
    if (smoothing != 0) t[j] = smoothed<T>(t[j], smoothing, n);
    term[j] = t[j] * shifted;
  }
  total = sum_across<T>(e, n);
  weight = sum_across<T>(t, n);
  dot = sum_across<T>(term, n);
  const Vec<T> inverse = c / total;
  for (Index j = 0; j < L; ++j) e[j] = j < n ? e[j] * inverse - c * t[j] : zero;
  transpose_square<T>(e);
  for (int i = 0; i < L; ++i) store(z + i * distance, e[i]);
}

// One example: from z and y the loss (returned) and c * dloss/dz (in place of z).
template <class T, Loss loss>
CHAINRULE_INLINE T loss_row(T* z, const T* y, Index n, T c, const LossParameters<T>& parameters) {
  constexpr int L = kLanes<T>;
  const Vec<T> scale = splat(c), zero{}, one = splat<T>(1), half = splat<T>(static_cast<T>(0.5));
  const Vec<T> bound = splat(parameters.delta);
  RowSum<T> sum;
  for (Index j = 0; j < n; j += L) {
    const int lanes = static_cast<int>(std::min<Index>(L, n - j));
    const IntVec<T> real = first_lanes<T>(lanes);
    const Vec<T> v = load(z + j);
    Vec<T> t = load_first(y + j, lanes);
    Vec<T> value, delta;
    if constexpr (loss == Loss::kSquaredError) {
      delta = v - t;
      value = half * delta * delta;
    } else if constexpr (loss == Loss::kAbsoluteError) {
      const Vec<T> r = v - t;
      value = select<T>(r < zero, -r, r);
      delta = select<T>(r > zero, one, select<T>(r < zero, -one, zero));
    } else if constexpr (loss == Loss::kHuber) {
      const Vec<T> r = v - t, size = select<T>(r < zero, -r, r);
      const Vec<T> near = select<T>(size > bound, bound, size);
      value = near * (size - half * near);
      delta = select<T>(r < zero, -near, near);
    } else if constexpr (loss == Loss::kQuantile) {
      const Vec<T> r = v - t, q = load(parameters.quantiles.data() + j);
      const Vec<T> slope = select<T>(r > zero, one - q, -q);
      value = slope * r;
      delta = select<T>(r == zero, zero, slope);
    } else if constexpr (loss == Loss::kCrossEntropy) {
      if (parameters.smoothing != 0) t = smoothed<T>(t, parameters.smoothing, 2);
      value = t * softplus<T>(-v) + (one - t) * softplus<T>(v);
      delta = logistic<T>(v) - t;
    } else if constexpr (loss == Loss::kPoisson) {
      const Vec<T> h = exp<T>(v);
      const Vec<T> y_log_y = select<T>(t > zero, t * log<T>(select<T>(t > zero, t, one)), zero);
      value = y_log_y - t * v - t + h;
      delta = h - t;
    } else if constexpr (loss == Loss::kLogisticSquaredError) {
      const Vec<T> h = logistic<T>(v), r = h - t;
      value = half * r * r;
      delta = r * (h * (one - h));
    } else {
      value = delta = zero;
    }
    sum.add(select<T>(real, value, zero));
    store(z + j, select<T>(real, scale * delta, zero));
  }
  return sum.total();
}

// Rows r ... r + rows - 1 of a batch: z becomes delta (BP1.2), `losses` gets c * loss of each.
template <class T, Loss loss>
void loss_block(T* z, Index distance, T* losses, Index r, Index rows, const Targets<T>& targets,
                const LossParameters<T>& parameters) {
  if constexpr (loss == Loss::kLogLoss) {
    constexpr Index L = kLanes<T>;
    T total[L], weight[L], dot[L], c[L];
    for (Index i = r; i < r + rows; i += L) {
      const Index n = std::min(L, r + rows - i);
      if (n == L && targets.n <= L / 2) {
        const T* y[L];
        Vec<T> totals, weights, dots;
        bool present = true;
        for (Index k = 0; k < n; ++k) {
          c[k] = targets.c(i + k);
          y[k] = targets.y(i + k);
          present = present && c[k] != 0;
        }
        if (present) {
          log_loss_rows(z, distance, y, targets.n, load(c), parameters.smoothing, totals, weights,
                        dots);
          store_first(losses + i, load(c) * (weights * log<T>(totals) - dots), static_cast<int>(L));
          z += L * distance;
          continue;
        }
      }
      for (Index k = 0; k < n; ++k, z += distance) {
        c[k] = targets.c(i + k);
        log_loss_row(z, targets.y(i + k), targets.n, c[k], parameters.smoothing, total[k],
                     weight[k], dot[k]);
        if (c[k] == 0) {  // an example of weight 0 is as good as absent, whatever its loss
          std::fill_n(z, padded<T>(targets.n), T(0));
          total[k] = weight[k] = 1;
          dot[k] = 0;
        }
      }
      std::fill(total + n, total + L, T(1));
      const Vec<T> loss_of_rows = load(weight) * log<T>(load(total)) - load(dot);
      store_first(losses + i, load(c) * loss_of_rows, static_cast<int>(n));
    }
    return;
  }
  for (Index i = r; i < r + rows; ++i, z += distance) {
    const T c = targets.c(i);
    if (c == 0) {  // an example of weight 0 is as good as absent, whatever its loss
      std::fill_n(z, padded<T>(targets.n), T(0));
      losses[i] = 0;
    } else if constexpr (loss == Loss::kGroupedLogLoss) {
      losses[i] = grouped_log_loss_row(z, targets.y(i), targets.n, c, parameters);
    } else {
      losses[i] = c * loss_row<T, loss>(z, targets.y(i), targets.n, c, parameters);
    }
  }
}

// What a loss does to the rows of a batch.
template <class T> class LossBlocks {
 public:
  LossBlocks(const LossSettings& settings, Index n_outputs) : parameters_(settings, n_outputs) {
    switch (settings.loss) {
      case Loss::kSquaredError: use<Loss::kSquaredError>(); break;
      case Loss::kCrossEntropy: use<Loss::kCrossEntropy>(); break;
      case Loss::kLogLoss: use<Loss::kLogLoss>(); break;
      case Loss::kPoisson: use<Loss::kPoisson>(); break;
      case Loss::kLogisticSquaredError: use<Loss::kLogisticSquaredError>(); break;
      case Loss::kIndicator: use<Loss::kIndicator>(); break;
      case Loss::kAbsoluteError: use<Loss::kAbsoluteError>(); break;
      case Loss::kHuber: use<Loss::kHuber>(); break;
      case Loss::kQuantile: use<Loss::kQuantile>(); break;
      case Loss::kGroupedLogLoss: use<Loss::kGroupedLogLoss>(); break;
    }
  }

  // z of one row becomes h; n = K outputs, padded to whole vectors behind.
  void hypothesis(T* z, Index n) const { hypothesis_(z, n, parameters_); }

  // Rows r ... r + rows - 1: z becomes delta, `losses` gets c * loss of each.
  void loss(T* z, Index distance, T* losses, Index r, Index rows, const Targets<T>& targets) const {
    loss_(z, distance, losses, r, rows, targets, parameters_);
  }

 private:
  template <Loss kind> void use() {
    hypothesis_ = hypothesis_row<T, kind>;
    loss_ = loss_block<T, kind>;
  }

  LossParameters<T> parameters_;
  void (*hypothesis_)(T*, Index, const LossParameters<T>&) = nullptr;
  void (*loss_)(T*, Index, T*, Index, Index, const Targets<T>&, const LossParameters<T>&) = nullptr;
};

}  // namespace chainrule::CHAINRULE_ISA
