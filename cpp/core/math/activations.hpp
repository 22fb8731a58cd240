// Hidden activations over a row of z: a = g(z), and g' where it cannot be had from a.
#pragma once

#include "simd.hpp"

#include "functions.hpp"

#include <array>

namespace chainrule::CHAINRULE_ISA {

enum class Activation : int {
  kIdentity,
  kLogistic,
  kTanh,
  kRelu,
  kStep,
  kLeakyRelu,
  kElu,
  kSelu,
  kSoftplus,
  kSilu,
  kGelu,
  kMish
};
constexpr std::array kActivationNames{"identity",   "logistic", "tanh", "relu",     "step",
                                      "leaky_relu", "elu",      "selu", "softplus", "silu",
                                      "gelu",       "mish"};  // in the order of the values

// Whether g' is a simple function of a, so that nothing but a needs to be kept.
constexpr bool slope_is_in_a(Activation g) {
  return g == Activation::kIdentity || g == Activation::kLogistic || g == Activation::kTanh ||
         g == Activation::kRelu;
}

// a = g(z) and, if `slope` is wanted, g'(z). The derivations stand in chainrule/maths/activations.py.
template <class T, Activation g, bool kSlope>
CHAINRULE_INLINE void activate(Vec<T> z, Vec<T>& a, Vec<T>& slope) {
  const Vec<T> zero{}, one = splat<T>(1);
  if constexpr (g == Activation::kIdentity) {
    a = z;
    if constexpr (kSlope) slope = one;
  } else if constexpr (g == Activation::kLogistic) {
    a = logistic<T>(z);
    if constexpr (kSlope) slope = a * (one - a);
  } else if constexpr (g == Activation::kTanh) {
    a = tanh<T>(z);
    if constexpr (kSlope) slope = one - a * a;
  } else if constexpr (g == Activation::kRelu) {
    a = select<T>(z <= zero, zero, z);  // NaN stays
    if constexpr (kSlope) slope = select<T>(a > zero, one, zero);
  } else if constexpr (g == Activation::kStep) {
    a = select<T>(z >= zero, one, zero);
    if constexpr (kSlope) slope = zero;
  } else if constexpr (g == Activation::kLeakyRelu) {
    const Vec<T> leak = splat<T>(static_cast<T>(0.01));
    a = select<T>(z > zero, z, leak * z);
    if constexpr (kSlope) slope = select<T>(z > zero, one, leak);
  } else if constexpr (g == Activation::kElu) {
    const Vec<T> below = expm1<T>(select<T>(z > zero, zero, z));
    a = select<T>(z > zero, z, below);
    if constexpr (kSlope) slope = select<T>(z > zero, one, exp<T>(select<T>(z > zero, zero, z)));
  } else if constexpr (g == Activation::kSelu) {
    const Vec<T> scale = splat<T>(static_cast<T>(1.0507009873554804934193349852946));
    const Vec<T> alpha = splat<T>(static_cast<T>(1.6732632423543772848170429916717));
    const Vec<T> negative = select<T>(z > zero, zero, z);
    a = scale * select<T>(z > zero, z, alpha * expm1<T>(negative));
    if constexpr (kSlope) slope = scale * select<T>(z > zero, one, alpha * exp<T>(negative));
  } else if constexpr (g == Activation::kSoftplus) {
    a = softplus<T>(z);
    if constexpr (kSlope) slope = logistic<T>(z);
  } else if constexpr (g == Activation::kSilu) {
    const Vec<T> s = logistic<T>(z);
    a = z * s;
    if constexpr (kSlope) slope = s * (one + z * (one - s));
  } else if constexpr (g == Activation::kGelu) {
    const Vec<T> cdf = normal_cdf<T>(z);
    a = z * cdf;
    if constexpr (kSlope) {
      const Vec<T> density = splat<T>(static_cast<T>(0.39894228040143267793994605993438)) *
                             exp<T>(splat<T>(static_cast<T>(-0.5)) * z * z);
      slope = cdf + z * density;
    }
  } else if constexpr (g == Activation::kMish) {
    const Vec<T> t = tanh<T>(softplus<T>(z));
    a = z * t;
    if constexpr (kSlope) slope = t + z * (one - t * t) * logistic<T>(z);
  }
}

// Some rows of a matrix whose rows are `distance` apart, `width` wide (whole vectors).
struct Block {
  Index rows, width, distance;
};

// z becomes a in place; `slope`, laid out alike, may be null.
template <class T, Activation g> void activate_block(T* z, T* slope, Block block) {
  for (Index r = 0; r < block.rows; ++r, z += block.distance) {
    if (!slope) {
      for (Index i = 0; i < block.width; i += kLanes<T>) {
        Vec<T> a, unused;
        activate<T, g, false>(load(z + i), a, unused);
        store(z + i, a);
      }
      continue;
    }
    for (Index i = 0; i < block.width; i += kLanes<T>) {
      Vec<T> a, s;
      activate<T, g, true>(load(z + i), a, s);
      store(slope + i, s);
      store(z + i, a);
    }
    slope += block.distance;
  }
}

// The error dJ/da becomes delta = dJ/da * g', with g' from a (BP2.2).
template <class T, Activation g> void slope_block(T* error, const T* a, Block block) {
  const Vec<T> zero{}, one = splat<T>(1);
  if constexpr (g == Activation::kIdentity) return;
  for (Index r = 0; r < block.rows; ++r, error += block.distance, a += block.distance)
    for (Index i = 0; i < block.width; i += kLanes<T>) {
      const Vec<T> e = load(error + i), h = load(a + i);
      if constexpr (g == Activation::kLogistic)
        store(error + i, e * (h * (one - h)));
      else if constexpr (g == Activation::kTanh)
        store(error + i, e * (one - h * h));
      else if constexpr (g == Activation::kRelu)
        store(error + i, select<T>(h > zero, e, zero));
    }
}

// The error dJ/da becomes delta = dJ/da * g', with the g' that was kept.
template <class T> void multiply_block(T* error, const T* slope, Block block) {
  for (Index r = 0; r < block.rows; ++r, error += block.distance, slope += block.distance)
    for (Index i = 0; i < block.width; i += kLanes<T>)
      store(error + i, load(error + i) * load(slope + i));
}

// The functions of one activation, chosen once for a network.
template <class T> struct ActivationBlocks {
  void (*forward)(T* z, T* slope, Block block);
  void (*backward)(T* error, const T* a, Block block);  // null where g' was kept
  bool is_relu = false;                                 // which the product can do on its way
};

template <class T> ActivationBlocks<T> activation_blocks(Activation g) {
  switch (g) {
    case Activation::kIdentity:
      return {activate_block<T, Activation::kIdentity>, slope_block<T, Activation::kIdentity>};
    case Activation::kLogistic:
      return {activate_block<T, Activation::kLogistic>, slope_block<T, Activation::kLogistic>};
    case Activation::kTanh:
      return {activate_block<T, Activation::kTanh>, slope_block<T, Activation::kTanh>};
    case Activation::kRelu:
      return {activate_block<T, Activation::kRelu>, slope_block<T, Activation::kRelu>, true};
    case Activation::kStep: return {activate_block<T, Activation::kStep>, nullptr};
    case Activation::kLeakyRelu: return {activate_block<T, Activation::kLeakyRelu>, nullptr};
    case Activation::kElu: return {activate_block<T, Activation::kElu>, nullptr};
    case Activation::kSelu: return {activate_block<T, Activation::kSelu>, nullptr};
    case Activation::kSoftplus: return {activate_block<T, Activation::kSoftplus>, nullptr};
    case Activation::kSilu: return {activate_block<T, Activation::kSilu>, nullptr};
    case Activation::kGelu: return {activate_block<T, Activation::kGelu>, nullptr};
    case Activation::kMish: return {activate_block<T, Activation::kMish>, nullptr};
  }
  return {nullptr, nullptr};
}

}  // namespace chainrule::CHAINRULE_ISA
