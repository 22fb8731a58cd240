// What the machine can do: peak [threads] prints the billions of float32 operations a second of
// fused multiply-adds between registers, and the billions of bytes a second read from memory.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif
typedef float Vector __attribute__((vector_size(kWidth * sizeof(float))));

constexpr int kChains = 12;  // enough to hide the latency, few enough for 16 registers
constexpr long kRounds = 10'000'000;

static double seconds(int threads, const std::function<void(int)>& work) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back(work, t);
  work(0);
  for (auto& thread : team) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  volatile float sink = 0;

  const auto multiply_add = [&](int) {
    Vector sums[kChains] = {}, factor = {}, addend = {};
    for (int i = 0; i < kWidth; ++i) factor[i] = 0.999f, addend[i] = 0.001f;
    for (long r = 0; r < kRounds; ++r) {
#pragma GCC unroll 12
      for (int c = 0; c < kChains; ++c) sums[c] = sums[c] * factor + addend;
      __asm__ volatile("" : "+x"(factor));  // no round may be left out
    }
    for (auto& sum : sums) sink = sink + sum[0];
  };
  double fused = 0;
  for (int i = 0; i < 3; ++i)
    fused = std::max(fused, 2.0 * kWidth * kChains * kRounds * threads / seconds(threads, multiply_add));

  const long floats = 64L << 20;  // 256 MB, well beyond the caches
  std::vector<float> data(floats, 1.0f);
  const auto read = [&](int t) {
    const Vector* from = reinterpret_cast<const Vector*>(data.data()) + floats / kWidth * t / threads;
    const Vector* to = reinterpret_cast<const Vector*>(data.data()) + floats / kWidth * (t + 1) / threads;
    Vector sums[4] = {};
    for (; from + 4 <= to; from += 4)
      for (int i = 0; i < 4; ++i) sums[i] += from[i];
    sink = sink + (sums[0] + sums[1] + sums[2] + sums[3])[0];
  };
  double bytes = 0;
  for (int i = 0; i < 3; ++i)
    bytes = std::max(bytes, 4.0 * floats / seconds(threads, read));
  std::printf("%.2f %.2f\n", fused / 1e9, bytes / 1e9);
}
