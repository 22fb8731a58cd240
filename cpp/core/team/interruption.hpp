// Whether the training was interrupted: checked by the thread that leads, about every 50 ms.
//
// A step that may take milliseconds asks on its way, before each block of rows and each panel of
// weights, and is given up if there was an interruption: all threads leave out the rest of it, and it
// does not count.
#pragma once

#include "threads.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace chainrule::CHAINRULE_ISA {

class Interruption {
 public:
  using Clock = std::chrono::steady_clock;

  // `large`: whether steps are large enough to ask on their way.
  Interruption(bool large, std::chrono::milliseconds ask_every)
      : large_(large), ask_every_(ask_every) {}

  // A new run, whose parameters the caller's arrays hold as they are after `step` steps.
  void begin(const std::function<bool()>& interrupted, std::uint64_t step) {
    interrupted_ = &interrupted;
    happened_ = false;
    given_up_.store(kNone, std::memory_order_relaxed);
    last_asked_ = Clock::now();
    held_ = step;
  }

  bool asks_on_the_way() const { return large_; }
  bool happened() const { return happened_; }

  bool ask(Clock::time_point now) {
    if (now - last_asked_ < ask_every_) return false;
    last_asked_ = now;
    if ((*interrupted_)()) happened_ = true;
    return happened_;
  }

  bool is_given_up(std::uint64_t step) const {
    return given_up_.load(std::memory_order_relaxed) == step;
  }
  bool gives_up(Member me, std::uint64_t step) {
    if (!large_) return false;
    if (me.number == 0 && !is_given_up(step) && ask(Clock::now()))
      given_up_.store(step, std::memory_order_relaxed);
    return is_given_up(step);
  }

  // Weights that half a step has changed cannot be had back: there it asks only if the caller's
  // arrays hold them as they were before it. So they are to be written there where changing them
  // takes long.
  bool gives_up_weights(Member me, std::uint64_t step) {
    const bool may_ask = me.number != 0 || held_ == step;
    return may_ask ? gives_up(me, step) : is_given_up(step);
  }
  void weights_begin(Clock::time_point now) { weights_begin_ = now; }
  void weights_end() { weights_took_ = Clock::now() - weights_begin_; }
  bool wants_them_held() const { return weights_took_ > 2 * ask_every_; }
  void hold(std::uint64_t step) { held_ = step; }
  std::uint64_t held() const { return held_; }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  const bool large_;
  const std::chrono::milliseconds ask_every_;
  const std::function<bool()>* interrupted_ = nullptr;
  bool happened_ = false;
  Clock::time_point last_asked_, weights_begin_;
  Clock::duration weights_took_{0};
  std::uint64_t held_ = 0;
  std::atomic<std::uint64_t> given_up_{kNone};  // the step that is given up: steps made before it
};

}  // namespace chainrule::CHAINRULE_ISA
