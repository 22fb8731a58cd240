// The number of threads, chosen by measurement during the training.
//
// The number of threads never changes a bit, so it may change at any step. Each candidate is tried
// for a moment, the fastest is kept for a second, then all are tried again; at once, if what is kept
// becomes slow, as two threads do when another process takes one of the processors.
#pragma once

#include "../math/simd.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

class TeamSize {
 public:
  // How long a step is for one thread: long enough to be worth a try of two soon, or so long that
  // more threads are likely to be faster, and are tried first.
  enum class Steps { kShort, kMedium, kLong };

  // `fixed` takes `most` threads always.
  TeamSize(int most, bool fixed, Steps steps) : steps_(steps), begun_(steps == Steps::kLong) {
    if (!fixed)
      for (int size = 1; size < most; size *= 2) candidates_.push_back({size, 0});
    candidates_.push_back({most, 0});
    if (steps == Steps::kLong) std::reverse(candidates_.begin(), candidates_.end());
    trying_ = candidates_.size() > 1;
  }

  int size() const { return candidates_[current_].size; }
  int most() const { return std::max(candidates_.front().size, candidates_.back().size); }
  bool is_fixed() const { return candidates_.size() == 1; }

  // How long to stay with this size before `took` is to be told. With short steps one thread begins
  // and has 10 ms, so that what is short stays with it: a try of two can cost more than it wins.
  std::chrono::microseconds patience() const {
    const int first = steps_ == Steps::kShort ? 10000 : 1000;
    return std::chrono::microseconds(!begun_ ? first : trying_ ? 2000 : 50000);
  }

  // Records the duration of a step with this size, and chooses the next.
  void took(double seconds_a_step) {
    if (is_fixed()) return;
    begun_ = true;
    auto& mine = candidates_[current_];
    if (trying_) {
      mine.seconds = seconds_a_step;
      if (++current_ < candidates_.size()) return;
      const auto best = std::min_element(
          candidates_.begin(), candidates_.end(),
          [](const Candidate& a, const Candidate& b) { return a.seconds < b.seconds; });
      current_ = static_cast<std::size_t>(best - candidates_.begin());
      trying_ = false;
      // Long steps that do not gain from threads: something else has the processors for a while.
      left_ = steps_ == Steps::kLong && current_ > 0 ? kTurns / 5 : kTurns;
    } else if (--left_ == 0 || seconds_a_step > 1.5 * mine.seconds) {
      trying_ = true;
      current_ = 0;
    }
  }

 private:
  struct Candidate {
    int size;
    double seconds;
  };
  static constexpr int kTurns = 20;

  const Steps steps_;
  std::vector<Candidate> candidates_;
  std::size_t current_ = 0;
  bool trying_ = false, begun_;
  int left_ = 0;
};

}  // namespace chainrule::CHAINRULE_ISA
