// A team of threads for the length of one call, and a barrier.
//
// Threads are made when a call begins and joined when it ends: so nothing is left behind that a
// fork could break or that two Python threads could fight over. A call lasts milliseconds.
#pragma once

#include "../math/simd.hpp"

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace chainrule::CHAINRULE_ISA {

// Subnormal numbers are treated as zero for the length of a call, then the caller's mode is back.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushSubnormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ | (std::uint64_t{1} << 24)));
  }
  ~FlushSubnormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

 private:
  std::uint64_t before_;
#endif
 public:
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;
};

// The usual mode, while foreign code runs in the middle of a call.
class UsualMode {
 public:
#if defined(__x86_64__)
  UsualMode() : before_(_mm_getcsr()) { _mm_setcsr(before_ & ~0x8040u); }
  ~UsualMode() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  UsualMode() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ & ~(std::uint64_t{1} << 24)));
  }
  ~UsualMode() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

 private:
  std::uint64_t before_;
#endif
 public:
  UsualMode(const UsualMode&) = delete;
  UsualMode& operator=(const UsualMode&) = delete;
};

// The index of a thread, and the number of threads.
struct Member {
  int number, of;
};

class Barrier {
 public:
  explicit Barrier(int n) : n_(n) {}

  void wait() {
    if (n_ == 1) return;
    const int round = round_.load(std::memory_order_relaxed);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) == n_ - 1) {
      waiting_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    // A short spin, since the others are usually close; then let them have the processor.
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
      if (spins < 4000) {
#if defined(__x86_64__)
        _mm_pause();
#endif
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  const int n_;
  alignas(64) std::atomic<int> waiting_{0};
  alignas(64) std::atomic<int> round_{0};
};

// A new thread often begins on the processor of the one that made it, and may come back to it: a
// team that shares a processor waits for itself at every barrier. So the others keep away from it
// while a call lasts, if there are processors enough.
#if defined(__linux__)
inline int this_processor() { return sched_getcpu(); }

inline void keep_away_from(int processor, int others) {
  cpu_set_t allowed;
  if (processor < 0 || processor >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_CLR(static_cast<unsigned>(processor), &allowed);
  if (CPU_COUNT(&allowed) >= others) sched_setaffinity(0, sizeof allowed, &allowed);
}
#else
inline int this_processor() { return -1; }
inline void keep_away_from(int, int) {}
#endif

// Runs body(0) ... body(n-1), one a thread, and waits for all. If the system has no more threads to
// give, nothing is run and std::system_error is thrown.
template <class Body> void in_team(int n, Body&& body) {
  enum Gate { kClosed, kOpen, kCancelled };
  std::atomic<int> gate{kClosed};
  const int callers = n > 1 ? this_processor() : -1;
  auto member = [&](int t) {
    if (t > 0) keep_away_from(callers, n - 1);
    while (gate.load(std::memory_order_acquire) == kClosed) std::this_thread::yield();
    if (gate.load(std::memory_order_relaxed) == kCancelled) return;
    const FlushSubnormals mode;
    body(t);
  };
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(n > 1 ? n - 1 : 0));
  try {
    for (int t = 1; t < n; ++t) others.emplace_back(member, t);
  } catch (...) {
    gate.store(kCancelled, std::memory_order_release);
    for (auto& other : others) other.join();
    throw;
  }
  gate.store(kOpen, std::memory_order_release);
  member(0);
  for (auto& other : others) other.join();
}

}  // namespace chainrule::CHAINRULE_ISA
