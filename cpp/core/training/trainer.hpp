// The training loop: many epochs a call, each step of them two passes with a barrier behind each.
#pragma once

#include "../team/team_size.hpp"
#include "passes.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <mutex>

namespace chainrule::CHAINRULE_ISA {

enum class Status : int { kFinished, kDiverged, kInterrupted };

// The progress of the training; advanced by every step. A run that was interrupted inside an epoch
// continues there: after `position` of its examples, with the cost and the seconds they took.
struct Progress {
  std::uint64_t step = 0, epoch = 0, examples = 0, position = 0;
  double epoch_cost = 0.0, epoch_seconds = 0.0;
  double momentum_product = 1.0;  // the state of Nadam
};

// The learning rates of the next steps, after which to come back, also inside an epoch; a single one
// is that of all steps.
struct Rates {
  const double* rates = nullptr;
  std::uint64_t n = 0;

  double at(std::uint64_t step) const { return rates[n == 1 ? 0 : step]; }
  bool used_up(std::uint64_t steps) const { return n != 1 && steps == n; }
};

// When to stop before the epochs are used up; without `tol` never.
struct Stopping {
  bool active = false;
  double tol = 0.0, n_iter_no_change = 0.0, best = 0.0, without_improvement = 0.0;
};

// The gradient's norm is that of the epoch's last step, with the penalties.
struct EpochRecord {
  double cost, gradient_norm, seconds;
};

template <class T> class Trainer {
 public:
  Trainer(const Architecture& net, const Settings& settings, Index n_examples)
      : net_(net),
        settings_(settings),
        n_batch_(std::min(settings.batch_size, n_examples)),
        steps_per_look_(looks_every(step_work(net, n_batch_))),
        interruption_(steps_per_look_ == 1, settings.ask_every),
        team_(threads_of_use(net, settings.threads, n_batch_), settings.fixed_threads,
              step_work(net, n_batch_) > kLongStep     ? TeamSize::Steps::kLong
              : step_work(net, n_batch_) > kMediumStep ? TeamSize::Steps::kMedium
                                                       : TeamSize::Steps::kShort),
        passes_(net_, settings_, n_batch_, n_examples, team_.most(), interruption_),
        order_(static_cast<std::size_t>(n_examples)) {
    if (settings_.shuffle && n_batch_ < n_examples) shuffle_.resize(idx(n_examples));
  }

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Runs up to n_epochs and fills a record of each that was finished; returns how many. Theta and
  // the optimizer's memory are read at the beginning and written at the end; they are those after
  // the last finished step, whenever it was interrupted.
  // `interrupted` is asked about every 50 ms whether to stop. Without `measures` the records have no
  // norms.
  Index run(T* theta, T* first, T* second, const Examples<T>& examples, Rates rates,
            Progress& progress, Stopping& stopping, EpochRecord* records, Index n_epochs,
            const std::function<bool()>& interrupted, bool measures = true) {
    const std::lock_guard<std::mutex> lock(running_);
    examples_ = &examples;
    rates_ = rates;
    first_step_ = progress.step;
    measures_ = measures;
    status_ = Status::kFinished;
    progress_ = &progress;
    interruption_.begin(interrupted, progress.step);
    arrays_ = {theta, first, second};
    finished_ = 0;
    position_ = static_cast<Index>(progress.position);
    stop_ = done_ = false;
    passes_.take(examples);
    passes_.read(theta, first, second);
    if (position_ > 0) {
      begin_epoch(settings_.shuffle && n_batch_ < examples.n);
      epoch_cost_ = progress.epoch_cost;
      epoch_begin_ -= std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(progress.epoch_seconds));
    }
    while (status_ == Status::kFinished && !interruption_.happened() && finished_ < n_epochs &&
           !done_ && !rates_.used_up(progress.step - first_step_)) {
      const auto begin = Clock::now();
      const std::uint64_t steps = progress.step;
      const int size = team_.size();
      Barrier barrier(size);
      passes_.divide(size);
      pause_ = false;
      pause_at_ = begin + team_.patience();
      in_team(size, [&](int t) { work({t, size}, barrier, records, stopping, n_epochs); });
      const std::chrono::duration<double> took = Clock::now() - begin;
      if (progress.step != steps)
        team_.took(took.count() / static_cast<double>(progress.step - steps));
    }
    if (status_ == Status::kFinished && interruption_.happened()) status_ = Status::kInterrupted;
    hold();
    progress.position = static_cast<std::uint64_t>(position_);
    progress.epoch_cost = position_ > 0 ? epoch_cost_ : 0.0;
    progress.epoch_seconds = position_ > 0 ? seconds_since(epoch_begin_) : 0.0;
    return finished_;
  }

  const Architecture& architecture() const { return net_; }
  bool takes_sparse() const { return settings_.sparse; }
  bool takes_numbers() const { return settings_.numbered; }
  Index n_examples() const { return static_cast<Index>(order_.size()); }

  // How the last run ended, and the last batch's cost.
  Status status() const { return status_; }
  double last_cost() const { return data_cost_; }

 private:
  using Clock = std::chrono::steady_clock;

  // The clock is looked at only after a number of steps, since small ones take less time than passes
  // between two questions.
  static std::uint64_t looks_every(double work) {
    return static_cast<std::uint64_t>(std::max(1.0, std::min(1e4, 1e7 / work)));
  }

  // Writes the parameters into the caller's arrays, if they are not there.
  void hold() {
    if (interruption_.held() == progress_->step) return;
    passes_.write(arrays_.theta, arrays_.first, arrays_.second);
    interruption_.hold(progress_->step);
  }

  // All threads of a team run this together, from where the last team stopped, until the epochs are
  // done or the team is to be chosen again. Thread 0 does what is to be done once; what it writes for
  // the others (stop_, done_, pause_, finished_) it writes where a barrier lies before
  // they read.
  void work(Member me, Barrier& barrier, EpochRecord* records, Stopping& stopping, Index n_epochs) {
    const Index M = examples_->n;
    const bool leads = me.number == 0, shuffled = settings_.shuffle && n_batch_ < M;
    Index start = position_;
    std::uint64_t step = progress_->step;
    do {
      if (start == 0) {
        if (leads) begin_epoch(shuffled);
        barrier.wait();
      }
      const Batch<T> batch = batch_at(start, std::min(n_batch_, M - start), shuffled, step++);
      if (leads && interruption_.wants_them_held()) hold();
      passes_.rows_phase(me, batch, barrier);
      barrier.wait();
      // Every thread adds the cost up, rather than wait for one to do it: no weight is updated from one
      // that is not finite, so that they can be inspected.
      const double cost = passes_.data_cost(batch);
      const bool learns = std::isfinite(cost) || interruption_.is_given_up(batch.step);
      if (leads && !interruption_.is_given_up(batch.step)) {
        data_cost_ = cost;
        penalty_ = passes_.total_penalty();
        look_around(step);
      }
      const Step<T> update(settings_.optimizer, rates_.at(batch.step - first_step_), step,
                           settings_.l2 / examples_->total, settings_.l1 / examples_->total,
                           progress_->momentum_product);
      if (learns) passes_.weights_phase(me, batch, update, barrier);
      barrier.wait();
      if (interruption_.is_given_up(batch.step)) break;
      if (leads) finish_step(batch);
      start += batch.n;
      if (stop_) break;
      if (start == M) {
        if (leads) end_epoch(records, stopping);
        barrier.wait();
        start = 0;
        if (done_ || finished_ == n_epochs) break;
      }
    } while (!pause_ && !rates_.used_up(step - first_step_));
    if (leads) position_ = start;
  }

  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void begin_epoch(bool shuffled) {
    if (shuffled) shuffle_.fill(order_.data(), settings_.seed, progress_->epoch);
    epoch_cost_ = 0;
    epoch_begin_ = Clock::now();
  }

  void end_epoch(EpochRecord* records, Stopping& stopping) {
    ++progress_->epoch;
    records[finished_] = {epoch_cost_, passes_.gradient_norm(), seconds_since(epoch_begin_)};
    if (std::isfinite(epoch_cost_)) {
      ++finished_;
      done_ = stopping.active && plateau(stopping, epoch_cost_);
    } else {  // the penalties: a data cost would have ended it before
      data_cost_ = epoch_cost_;
      if (!interruption_.happened()) status_ = Status::kDiverged;
      done_ = true;
    }
  }

  // Whether to stop: at once if the cost is not finite; after this step, and the epoch if it is its
  // last, if there was an interruption.
  void look_around(std::uint64_t step) {
    if (!std::isfinite(data_cost_)) {
      status_ = Status::kDiverged;
      stop_ = true;
      return;
    }
    if (step % steps_per_look_ != 0) return;
    const auto now = Clock::now();
    pause_ = !team_.is_fixed() && now >= pause_at_;
    if (interruption_.asks_on_the_way())
      interruption_.weights_begin(now);
    else if (interruption_.ask(now))
      pause_ = true;
  }

  static bool plateau(Stopping& s, double cost) {
    s.without_improvement = cost > s.best - s.tol ? s.without_improvement + 1 : 0;
    s.best = std::min(s.best, cost);
    return s.without_improvement > s.n_iter_no_change;
  }

  Batch<T> batch_at(Index start, Index B, bool shuffled, std::uint64_t step) const {
    const T scale = static_cast<T>(static_cast<double>(examples_->n) /
                                   (static_cast<double>(B) * examples_->total));
    const Index* order = shuffled ? order_.data() + start : nullptr;
    const Index first = shuffled ? order[0] : start;
    // Rows that follow one another are used where they are; others are gathered.
    const bool as_it_is = examples_->X && !examples_->numbers && !settings_.drops_inputs();
    const bool in_place = as_it_is && (!shuffled || B == 1);
    const T* X = in_place ? examples_->X + first * net_.sizes[0] : passes_.gathered_X();
    const Targets<T> targets{examples_->Y, examples_->weight, order,
                             start,        net_.sizes.back(), scale};
    const bool last = start + B == examples_->n;
    return {X, B, targets, step, !in_place, last && measures_};
  }

  void finish_step(const Batch<T>& batch) {
    epoch_cost_ += static_cast<double>(batch.n) / static_cast<double>(examples_->n) *
                   (data_cost_ + penalty_ / examples_->total);
    if (interruption_.asks_on_the_way()) interruption_.weights_end();
    ++progress_->step;
    if (settings_.optimizer.kind == Optimizer::kNadam)
      progress_->momentum_product *= nadam_momentum(settings_.optimizer, progress_->step);
    progress_->examples += static_cast<std::uint64_t>(batch.n);
    passes_.begin_step();
  }

  const Architecture net_;
  const Settings settings_;
  const Index n_batch_;
  const std::uint64_t steps_per_look_;
  Interruption interruption_;
  TeamSize team_;
  Passes<T> passes_;
  std::vector<Index> order_;
  Shuffle shuffle_;

  const Examples<T>* examples_ = nullptr;
  Progress* progress_ = nullptr;
  struct {
    T *theta, *first, *second;
  } arrays_{};  // the caller's
  Rates rates_;
  std::uint64_t first_step_ = 0;  // of this run: that of the first rate
  double epoch_cost_ = 0, data_cost_ = 0, penalty_ = 0;
  Index finished_ = 0, position_ = 0;  // epochs of this run, and where in its epoch it is
  bool measures_ = true, stop_ = false, done_ = false, pause_ = false;
  Clock::time_point epoch_begin_, pause_at_;
  Status status_ = Status::kFinished;
  std::mutex running_;  // two Python threads may use one learner: one after the other
};

}  // namespace chainrule::CHAINRULE_ISA
