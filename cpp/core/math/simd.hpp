// Vectors of the instruction set this file is compiled for, and what GCC's and Clang's vector
// extensions lack: fused multiply-add, square root, rounding, masked load and store.
//
// The arithmetic operators + - * / and the comparisons of the extensions are exact IEEE operations,
// so everything built on them and on fma gives the same bits whatever the vector's width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define CHAINRULE_ISA v4
#define CHAINRULE_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define CHAINRULE_ISA v3
#define CHAINRULE_VECTOR_BYTES 32
#elif defined(__aarch64__)
#define CHAINRULE_ISA neon
#define CHAINRULE_VECTOR_BYTES 16
#else
#error "chainrule's core needs x86-64-v3, x86-64-v4 or arm64"
#endif

#if defined(__aarch64__) || CHAINRULE_VECTOR_BYTES == 64
#define CHAINRULE_REGISTERS 32
#else
#define CHAINRULE_REGISTERS 16
#endif

#define CHAINRULE_INLINE inline __attribute__((always_inline))

// Each instruction set has a namespace of its own, so that one process may hold several.
namespace chainrule::CHAINRULE_ISA {

using Index = std::ptrdiff_t;

constexpr int kVectorBytes = CHAINRULE_VECTOR_BYTES;
constexpr int kRegisters = CHAINRULE_REGISTERS;  // for vectors

// The native type of T's vectors, of whole numbers of the same width, and how many fit.
template <class T> struct Types;
template <> struct Types<float> {
  using Vec = float __attribute__((vector_size(kVectorBytes)));
  using Int = std::int32_t;
  using IntVec = std::int32_t __attribute__((vector_size(kVectorBytes)));
};
template <> struct Types<double> {
  using Vec = double __attribute__((vector_size(kVectorBytes)));
  using Int = std::int64_t;
  using IntVec = std::int64_t __attribute__((vector_size(kVectorBytes)));
};

template <class T> using Vec = typename Types<T>::Vec;
template <class T> using Int = typename Types<T>::Int;
template <class T> using IntVec = typename Types<T>::IntVec;  // also what a comparison returns
template <class T> constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

// n entries, rounded up to whole vectors.
template <class T> CHAINRULE_INLINE Index padded(Index n) {
  return (n + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// A vector with x in every lane. Not by arithmetic, which would flush a subnormal x to 0.
CHAINRULE_INLINE Types<float>::Vec broadcast(float x) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<float>::Vec)_mm512_set1_ps(x);
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<float>::Vec)_mm256_set1_ps(x);
#else
  return (Types<float>::Vec)vdupq_n_f32(x);
#endif
}
CHAINRULE_INLINE Types<double>::Vec broadcast(double x) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<double>::Vec)_mm512_set1_pd(x);
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<double>::Vec)_mm256_set1_pd(x);
#else
  return (Types<double>::Vec)vdupq_n_f64(x);
#endif
}
template <class T> CHAINRULE_INLINE Vec<T> splat(T x) { return broadcast(x); }
template <class T> CHAINRULE_INLINE IntVec<T> splat_int(Int<T> x) { return x - IntVec<T>{}; }

template <class T> CHAINRULE_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T> CHAINRULE_INLINE void store(T* p, Vec<T> v) { std::memcpy(p, &v, sizeof v); }

template <class T> CHAINRULE_INLINE IntVec<T> bits_of(Vec<T> v) { return (IntVec<T>)v; }
template <class T> CHAINRULE_INLINE Vec<T> from_bits(IntVec<T> v) { return (Vec<T>)v; }

// Where the mask (all ones or all zeros a lane) is set a, else b.
template <class T> CHAINRULE_INLINE Vec<T> select(IntVec<T> mask, Vec<T> a, Vec<T> b) {
  return mask ? a : b;
}

// Lane i of the result is lane from[i] of v.
template <class T> CHAINRULE_INLINE Vec<T> shuffle(Vec<T> v, IntVec<T> from) {
#if defined(__clang__)
  Vec<T> moved;
  for (int i = 0; i < kLanes<T>; ++i) moved[i] = v[from[i]];
  return moved;
#else
  return __builtin_shuffle(v, from);
#endif
}

// a * b + c, rounded once.
CHAINRULE_INLINE Types<float>::Vec fma(Types<float>::Vec a, Types<float>::Vec b,
                                       Types<float>::Vec c) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<float>::Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<float>::Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return (Types<float>::Vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#endif
}
CHAINRULE_INLINE Types<double>::Vec fma(Types<double>::Vec a, Types<double>::Vec b,
                                        Types<double>::Vec c) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<double>::Vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<double>::Vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return (Types<double>::Vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#endif
}

// The square root, correctly rounded.
CHAINRULE_INLINE Types<float>::Vec sqrt(Types<float>::Vec a) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<float>::Vec)_mm512_maskz_sqrt_ps(0xFFFF,
                                                 (__m512)a);  // GCC 12 warns of the plain one
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<float>::Vec)_mm256_sqrt_ps((__m256)a);
#else
  return (Types<float>::Vec)vsqrtq_f32((float32x4_t)a);
#endif
}
CHAINRULE_INLINE Types<double>::Vec sqrt(Types<double>::Vec a) {
#if CHAINRULE_VECTOR_BYTES == 64
  return (Types<double>::Vec)_mm512_maskz_sqrt_pd(0xFF, (__m512d)a);
#elif CHAINRULE_VECTOR_BYTES == 32
  return (Types<double>::Vec)_mm256_sqrt_pd((__m256d)a);
#else
  return (Types<double>::Vec)vsqrtq_f64((float64x2_t)a);
#endif
}

// The lanes' numbers 0, 1, 2 ... and the mask of the first n of them.
template <class T> CHAINRULE_INLINE IntVec<T> lane_numbers() {
  IntVec<T> v{};
  for (int i = 0; i < kLanes<T>; ++i) v[i] = i;
  return v;
}
template <class T> CHAINRULE_INLINE IntVec<T> first_lanes(int n) {
  return lane_numbers<T>() < splat_int<T>(static_cast<Int<T>>(n));
}

// The first n lanes of a vector, 1 <= n; the others are 0. Nothing behind them is touched.
CHAINRULE_INLINE Types<float>::Vec load_first(const float* p, int n) {
#if CHAINRULE_VECTOR_BYTES == 64
  return n >= 16
             ? load(p)
             : (Types<float>::Vec)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
#elif CHAINRULE_VECTOR_BYTES == 32
  return n >= 8 ? load(p)
                : (Types<float>::Vec)_mm256_maskload_ps(p, (__m256i)first_lanes<float>(n));
#else
  Types<float>::Vec v{};
  for (int i = 0; i < kLanes<float> && i < n; ++i) v[i] = p[i];
  return v;
#endif
}
CHAINRULE_INLINE Types<double>::Vec load_first(const double* p, int n) {
#if CHAINRULE_VECTOR_BYTES == 64
  return n >= 8
             ? load(p)
             : (Types<double>::Vec)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p);
#elif CHAINRULE_VECTOR_BYTES == 32
  return n >= 4 ? load(p)
                : (Types<double>::Vec)_mm256_maskload_pd(p, (__m256i)first_lanes<double>(n));
#else
  Types<double>::Vec v{};
  for (int i = 0; i < kLanes<double> && i < n; ++i) v[i] = p[i];
  return v;
#endif
}
template <class T> CHAINRULE_INLINE void store_first(T* p, Vec<T> v, int n) {
  if (n >= kLanes<T>) return store(p, v);
  for (int i = 0; i < n; ++i) p[i] = v[i];
}

}  // namespace chainrule::CHAINRULE_ISA
