// Compares the functions of math.hpp with the C library's, in the next wider type: float with
// double, double with long double. Prints the largest error of each in ULP and where, a checksum of all
// results (equal for every instruction set and compiler), and the throughput.
//
//   test_math [--quick | --exhaustive]
//
// The exit code is 1 if an error is above 4 ULP or a special case is wrong.
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "../core/math/functions.hpp"

namespace core = chainrule::CHAINRULE_ISA;

namespace {

constexpr double kAllowedUlp = 4.0;
bool all_passed = true;

template <class T> struct WiderOf;
template <> struct WiderOf<float> {
  using Type = double;
};
template <> struct WiderOf<double> {
  using Type = long double;
};
template <class T> using Wider = typename WiderOf<T>::Type;

// ---- the functions, and what they should give ----

#define CHAINRULE_FUNCTION(Name, name, expression)                                  \
  struct Name {                                                                     \
    static constexpr const char* kName = #name;                                     \
    template <class T> static CHAINRULE_INLINE core::Vec<T> apply(core::Vec<T> z) { \
      return core::name<T>(z);                                                      \
    }                                                                               \
    template <class W> static W reference(W z) { return expression; }               \
  };

template <class W> W logistic_reference(W z) {
  const W e = std::exp(-std::fabs(z));
  return (z < 0 ? e : W{1}) / (1 + e);
}
template <class W> W softplus_reference(W z) {
  return (z > 0 ? z : W{0}) + (std::isnan(z) ? z : std::log1p(std::exp(-std::fabs(z))));
}
// erfc(x) / 2 at x = -z / sqrt(2), where x's own rounding error, which erfc would magnify by 2 x^2,
// is put right to first order: erfc'(x) = -2/sqrt(pi) e^(-x^2).
template <class W> constexpr W kSqrtHalfRest = 0;  // sqrt(1/2) less its rounding to W
template <> constexpr double kSqrtHalfRest<double> = -4.8336466567264565e-17;
template <> constexpr long double kSqrtHalfRest<long double> = 1.8950325588932570798e-20L;
template <class W> W normal_cdf_reference(W z) {
  const W high = static_cast<W>(0.70710678118654752440084436210484903928L);
  const W x = -z * high;
  const W value = std::erfc(x) / 2;
  if (!(std::fabs(x) < 30) || value == 0) return value;
  const W error = std::fma(-z, high, -x) - z * kSqrtHalfRest<W>;
  constexpr W kOneOverSqrtPi = static_cast<W>(0.56418958354775628694807945156077258584L);
  return value - kOneOverSqrtPi * std::exp(-x * x) * error;
}

CHAINRULE_FUNCTION(Exp, exp, std::exp(z))
CHAINRULE_FUNCTION(Expm1, expm1, std::expm1(z))
CHAINRULE_FUNCTION(Log, log, std::log(z))
CHAINRULE_FUNCTION(Log1p, log1p, std::log1p(z))
CHAINRULE_FUNCTION(Tanh, tanh, std::tanh(z))
CHAINRULE_FUNCTION(Logistic, logistic, logistic_reference(z))
CHAINRULE_FUNCTION(Softplus, softplus, softplus_reference(z))
CHAINRULE_FUNCTION(Erf, erf, std::erf(z))
CHAINRULE_FUNCTION(NormalCdf, normal_cdf, normal_cdf_reference(z))

// ---- errors ----

// The distance of got from the exact value, in units of T's last place there. The number after T's
// largest counts as inf. Wrong NaNs, infinities and signs of zero are infinitely wrong.
template <class T> double ulp_error(T z, T got, Wider<T> exact) {
  using W = Wider<T>;
  constexpr int kDigits = std::numeric_limits<T>::digits;
  constexpr int kMinExponent = std::numeric_limits<T>::min_exponent;
  constexpr int kMaxExponent = std::numeric_limits<T>::max_exponent;
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact) != std::isnan(got)) return kWrong;
  if (std::isnan(exact)) return 0;
  if (z == 0 && exact == 0 && std::signbit(got) != std::signbit(exact)) return kWrong;
  const W limit = std::ldexp(W{1}, kMaxExponent);
  if (std::fabs(exact) >= limit) return std::isinf(got) && (got > 0) == (exact > 0) ? 0 : kWrong;
  const W value = std::isinf(got) ? std::copysign(limit, static_cast<W>(got)) : static_cast<W>(got);
  int exponent = kMinExponent;
  if (exact != 0) std::frexp(exact, &exponent);
  if (exponent < kMinExponent) exponent = kMinExponent;
  return static_cast<double>(std::ldexp(std::fabs(value - exact), kDigits - exponent));
}

struct Checksum {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  template <class T> void add(T value) {
    if (std::isnan(value))
      value = std::numeric_limits<T>::quiet_NaN();  // its bits are not promised
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    state = (state ^ bits) * 0x2545f4914f6cdd1du;
    state ^= state >> 29;
  }
};

// ---- arguments ----

// A generator of whole numbers (SplitMix64), so that every build tests the same points.
struct Random {
  std::uint64_t state = 1;
  std::uint64_t next() {
    std::uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
};

template <class T> T from_pattern(std::uint64_t pattern) {
  T value;
  std::memcpy(&value, &pattern, sizeof value);
  return value;
}

// Zeros, infinities, NaNs, the ends of the ranges, and the neighborhoods of all points where a
// formula changes: odd multiples of log(2)/2 (exp) and of its half (tanh), sqrt(1/2) 2^k (log),
// that less 1 (log1p), 1/2 (erf), and the arguments where results overflow and underflow.
template <class T> std::vector<T> special_points() {
  using Limits = std::numeric_limits<T>;
  std::vector<long double> centers = {
      0.0L,     0.5L,   1.0L,       -1.0L,  2.0L,    20.0L,   40.0L,  10.0L,    89.0L,
      88.7228L, 710.0L, 709.78271L, 104.0L, 103.97L, 87.336L, 746.0L, 745.133L, 708.396L,
      14.5L,    13.9L,  14.17L,     39.0L,  37.5L,   38.48L,  3.92L,  5.92L};
  const long double log2 = std::log(2.0L);
  for (int n = -1100; n <= 1100; ++n) {
    centers.push_back((n + 0.5L) * log2);
    centers.push_back((n + 0.5L) * log2 / 2);
    centers.push_back(std::ldexp(std::sqrt(0.5L), n));
    centers.push_back(std::ldexp(std::sqrt(0.5L), n) - 1);
    centers.push_back(std::ldexp(1.0L, n));
    centers.push_back(std::ldexp(1.0L, n) - 1);
  }
  std::vector<T> points = {Limits::quiet_NaN()};
  for (const T x : {Limits::infinity(), Limits::max(), Limits::min(), Limits::denorm_min()}) {
    points.push_back(x);
    points.push_back(-x);
  }
  for (const long double center : centers) {
    if (std::fabs(center) > static_cast<long double>(Limits::max())) continue;
    T up = static_cast<T>(center), down = up;
    for (int i = 0; i < 8; ++i) {
      for (const T x : {up, -up, down, -down}) points.push_back(x);
      up = std::nextafter(up, Limits::infinity());
      down = std::nextafter(down, -Limits::infinity());
    }
  }
  return points;
}

// ---- one function ----

constexpr std::size_t kBlock = 4096;

template <class F, class T> void apply_all(const T* in, T* out, std::size_t count) {
  for (std::size_t i = 0; i < count; i += static_cast<std::size_t>(core::kLanes<T>)) {
    core::store<T>(out + i, F::template apply<T>(core::load<T>(in + i)));
  }
}

template <class F, class T> struct Worst {
  double ulp = 0;
  T at = 0;
  std::uint64_t points = 0;
  Checksum checksum;
  std::vector<T> in, out = std::vector<T>(kBlock);

  void add(T z) {
    in.push_back(z);
    if (in.size() == kBlock) flush();
  }
  void flush() {
    const std::size_t count = in.size();
    in.resize(kBlock);
    apply_all<F>(in.data(), out.data(), kBlock);
    for (std::size_t i = 0; i < count; ++i) {
      const double error = ulp_error<T>(in[i], out[i], F::reference(static_cast<Wider<T>>(in[i])));
      if (!(error <= ulp)) {
        ulp = error;
        at = in[i];
      }
      checksum.add(out[i]);
    }
    points += count;
    in.clear();
  }
};

// The same points in the mode the core runs in, where subnormal arguments and results are 0. What
// has a normal argument and result must not change. (The least normal number is left out: it may be
// a subnormal, rounded up.)
template <class F, class T>
std::uint64_t checksum_flushing_subnormals(const std::vector<T>& points) {
  Checksum checksum;
#if defined(__x86_64__)
  std::vector<T> in = points;
  in.resize((in.size() + kBlock - 1) / kBlock * kBlock);
  std::vector<T> out(in.size()), usual(in.size());
  apply_all<F>(in.data(), usual.data(), in.size());
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040);
  apply_all<F>(in.data(), out.data(), in.size());
  _mm_setcsr(mode);
  constexpr T kLeast = std::numeric_limits<T>::min();
  for (std::size_t i = 0; i < in.size(); ++i) {
    checksum.add(out[i]);
    const bool normal = std::fabs(in[i]) >= kLeast && std::fabs(usual[i]) > kLeast;
    if (normal && out[i] != usual[i]) {
      all_passed = false;
      std::printf("%s(%.17g) is %.17g, flushing subnormals %.17g  FAILED\n", F::kName,
                  static_cast<double>(in[i]), static_cast<double>(usual[i]),
                  static_cast<double>(out[i]));
    }
  }
#endif
  return checksum.state;
}

template <class F, class T> double throughput() {
  std::vector<T> in(kBlock), out(kBlock);
  Random random;
  const bool positive = std::strcmp(F::kName, "log") == 0 || std::strcmp(F::kName, "log1p") == 0;
  for (T& x : in) {
    x = static_cast<T>(static_cast<std::int64_t>(random.next()) >> 11) * static_cast<T>(0x1p-50);
    if (positive) x = std::fabs(x);
  }
  double best = 1e30;
  for (int round = 0; round < 30; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) {
      apply_all<F>(in.data(), out.data(), kBlock);
      asm volatile("" : : "r"(out.data()) : "memory");
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    if (time.count() < best) best = time.count();
  }
  return 10 * static_cast<double>(kBlock) / best;
}

template <class F, class T> void test(const char* type, std::uint64_t effort) {
  Worst<F, T> worst;
  std::vector<T> points = special_points<T>();
  Random random;
  for (int i = 0; i < 200000; ++i) points.push_back(from_pattern<T>(random.next()));
  for (const T z : points) worst.add(z);
  if constexpr (sizeof(T) == 4) {
    for (std::uint64_t pattern = 0; pattern < (std::uint64_t{1} << 32); pattern += effort) {
      worst.add(from_pattern<T>(pattern));
    }
  } else {
    // A third each: log-uniformly from 2^-60 to 2^11, uniformly within +-50, within +-800.
    for (std::uint64_t i = 0; i < effort; ++i) {
      const std::uint64_t bits = random.next();
      const T uniform = static_cast<T>(static_cast<std::int64_t>(bits) >> 11) * 0x1p-52;
      const std::uint64_t exponent = 1023 - 60 + (bits >> 52) % 71;
      const std::uint64_t kept = bits & 0x800fffffffffffffu;
      worst.add(from_pattern<T>(kept | exponent << 52));
      worst.add(uniform * 50);
      worst.add(uniform * 800);
    }
  }
  worst.flush();
  const bool passed = worst.ulp <= kAllowedUlp;
  all_passed = all_passed && passed;
  const std::uint64_t flushing = checksum_flushing_subnormals<F, T>(points);
  std::printf("%-10s %-6s %6.3f ULP at %-24.17g %10" PRIu64 " points  %016" PRIx64 " %016" PRIx64
              "  %6.2f elements/ns%s\n",
              F::kName, type, worst.ulp, static_cast<double>(worst.at), worst.points,
              worst.checksum.state, flushing, throughput<F, T>(), passed ? "" : "  FAILED");
  std::fflush(stdout);
}

template <class F> void test_both(std::uint64_t float_stride, std::uint64_t double_count) {
  test<F, float>("float", float_stride);
  test<F, double>("double", double_count);
}

}  // namespace

int main(int argc, char** argv) {
  const char* option = argc > 1 ? argv[1] : "";
  std::uint64_t stride = 61, count = 4'000'000;
  if (std::strcmp(option, "--quick") == 0) stride = 4099, count = 100'000;
  if (std::strcmp(option, "--exhaustive") == 0) stride = 1, count = 50'000'000;
  test_both<Exp>(stride, count);
  test_both<Expm1>(stride, count);
  test_both<Log>(stride, count);
  test_both<Log1p>(stride, count);
  test_both<Tanh>(stride, count);
  test_both<Logistic>(stride, count);
  test_both<Softplus>(stride, count);
  test_both<Erf>(stride, count);
  test_both<NormalCdf>(stride, count);
  return all_passed ? 0 : 1;
}
