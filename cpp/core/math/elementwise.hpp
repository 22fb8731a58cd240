// The mathematical functions over whole arrays, by name: what the tests measure them through.
#pragma once

#include "functions.hpp"
#include "simd.hpp"

#include <string>

namespace chainrule::CHAINRULE_ISA {

template <class T> using Elementwise = void (*)(const T* z, T* out, Index n);

#define CHAINRULE_ELEMENTWISE(function)                                      \
  if (name == #function)                                                     \
  return [](const T* z, T* out, Index n) {                                   \
    for (Index i = 0; i < n; i += kLanes<T>) {                               \
      const int lanes = static_cast<int>(std::min<Index>(kLanes<T>, n - i)); \
      store_first(out + i, function<T>(load_first(z + i, lanes)), lanes);    \
    }                                                                        \
  }

// Null if the name is unknown.
template <class T> Elementwise<T> elementwise(const std::string& name) {
  CHAINRULE_ELEMENTWISE(exp);
  CHAINRULE_ELEMENTWISE(expm1);
  CHAINRULE_ELEMENTWISE(log);
  CHAINRULE_ELEMENTWISE(log1p);
  CHAINRULE_ELEMENTWISE(tanh);
  CHAINRULE_ELEMENTWISE(logistic);
  CHAINRULE_ELEMENTWISE(erf);
  CHAINRULE_ELEMENTWISE(normal_cdf);
  CHAINRULE_ELEMENTWISE(softplus);
  return nullptr;
}

#undef CHAINRULE_ELEMENTWISE

}  // namespace chainrule::CHAINRULE_ISA
