// What the elementwise functions share: limits, polynomials, a few bit tricks.
#pragma once

#include "coefficients.hpp"
#include "simd.hpp"

namespace chainrule::CHAINRULE_ISA {

// How T is laid out in bits.
template <class T> struct Layout;
template <> struct Layout<float> {
  using Unsigned = std::uint32_t;
  using UnsignedVec = Unsigned __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissaBits = 23;
  static constexpr std::int32_t kBias = 127;
  static constexpr std::int32_t kOne = 0x3f800000;
  static constexpr std::int32_t kSqrtHalf = 0x3f3504f3;
};
template <> struct Layout<double> {
  using Unsigned = std::uint64_t;
  using UnsignedVec = Unsigned __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissaBits = 52;
  static constexpr std::int64_t kBias = 1023;
  static constexpr std::int64_t kOne = 0x3ff0000000000000;
  static constexpr std::int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
};
template <class T> constexpr T kInfinity = static_cast<T>(__builtin_inf());
template <class T> constexpr T kNaN = static_cast<T>(__builtin_nan(""));
template <class T>
constexpr Int<T> kSignBit =
    static_cast<Int<T>>(typename Layout<T>::Unsigned{1} << (8 * sizeof(T) - 1));

// min(a, b) and max(a, b) give b where one of them is NaN. x86 has one instruction for it.
template <class T> CHAINRULE_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
#if CHAINRULE_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm512_maskz_min_ps(0xFFFF, (__m512)a, (__m512)b);
  else
    return (Vec<T>)_mm512_maskz_min_pd(0xFF, (__m512d)a, (__m512d)b);
#elif CHAINRULE_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm256_min_ps((__m256)a, (__m256)b);
  else
    return (Vec<T>)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  return select<T>(a < b, a, b);
#endif
}
template <class T> CHAINRULE_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
#if CHAINRULE_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm512_maskz_max_ps(0xFFFF, (__m512)a, (__m512)b);
  else
    return (Vec<T>)_mm512_maskz_max_pd(0xFF, (__m512d)a, (__m512d)b);
#elif CHAINRULE_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm256_max_ps((__m256)a, (__m256)b);
  else
    return (Vec<T>)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  return select<T>(a > b, a, b);
#endif
}

template <class T> CHAINRULE_INLINE Vec<T> abs(Vec<T> z) {
  return from_bits<T>(bits_of<T>(z) & splat_int<T>(~kSignBit<T>));
}

// size with the sign of z; size must not be negative itself.
template <class T> CHAINRULE_INLINE Vec<T> with_sign_of(Vec<T> z, Vec<T> size) {
  return from_bits<T>(bits_of<T>(size) | (bits_of<T>(z) & splat_int<T>(kSignBit<T>)));
}

// Shifts that fill with zeros. (AVX2 has no other one to the right for 64 bits.)
template <class T> CHAINRULE_INLINE IntVec<T> shift_right(IntVec<T> v, int count) {
  return (IntVec<T>)((typename Layout<T>::UnsignedVec)v >> count);
}
template <class T> CHAINRULE_INLINE IntVec<T> shift_left(IntVec<T> v, int count) {
  return (IntVec<T>)((typename Layout<T>::UnsignedVec)v << count);
}

// c[kFirst] + c[kFirst + 1] x + ..., the even and the odd powers as two chains that run side by
// side: as few operations as one chain (x^2 is mostly there already), and half the latency.
template <class T, std::size_t kFirst = 0, std::size_t N>
CHAINRULE_INLINE Vec<T> polynomial(Vec<T> x, Vec<T> x_squared, const T (&c)[N]) {
  static_assert(N >= kFirst + 2);
  Vec<T> last = splat<T>(c[N - 1]), before = splat<T>(c[N - 2]);
#pragma GCC unroll 16
  for (std::size_t i = N - 1; i >= kFirst + 2; i -= 2) {
    last = fma(last, x_squared, splat<T>(c[i - 2]));
  }
#pragma GCC unroll 16
  for (std::size_t i = N - 2; i >= kFirst + 2; i -= 2) {
    before = fma(before, x_squared, splat<T>(c[i - 2]));
  }
  // The chain that ends in the constant term is last's where the number of terms is odd.
  return (N - kFirst) % 2 == 0 ? fma(last, x, before) : fma(before, x, last);
}

}  // namespace chainrule::CHAINRULE_ISA
