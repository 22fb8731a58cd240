// The training loop: many epochs a call.
//
// Rows first, then weights: each thread carries its rows through all layers forward and back; a
// barrier; then the threads share out the weights, each computing the gradient of a piece and
// updating it at once, so that no gradient is ever stored; a barrier. No sum is split across
// threads, which is why their number cannot change a bit.
#pragma once

#include "forward.hpp"
#include "optimizers.hpp"
#include "philox.hpp"
#include "team_size.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <mutex>

namespace chainrule::CHAINRULE_ISA {

// Rows of a sparse matrix (CSR): row i has the entries starts[i] ... starts[i + 1] - 1.
template <class T> struct SparseRows {
  const T* values = nullptr;
  const std::int32_t* columns32 = nullptr;  // columns and starts are both of one of the two types
  const std::int32_t* starts32 = nullptr;
  const std::int64_t* columns64 = nullptr;
  const std::int64_t* starts64 = nullptr;

  Index start(Index row) const {
    return starts32 ? starts32[row] : static_cast<Index>(starts64[row]);
  }
  Index column(Index entry) const {
    return columns32 ? columns32[entry] : static_cast<Index>(columns64[entry]);
  }
  // Adds up entries of the same place, as SciPy does.
  void write_row(Index row, T* to, Index width) const {
    std::fill_n(to, width, T(0));
    for (Index e = start(row); e < start(row + 1); ++e) to[column(e)] += values[e];
  }
};

template <class T> struct Examples {
  const T* X;  // rows of n_features, one after another; null if they are sparse
  SparseRows<T> sparse;
  const T* Y;  // rows of n_outputs
  const T* weight;  // or null
  Index n;
  double total;  // S
};

enum class Status : int { kFinished, kDiverged, kInterrupted };

struct Settings {
  OptimizerSettings optimizer;
  double l2 = 0.0, l1 = 0.0;
  std::vector<double> dropout;  // one per hidden layer, or none
  std::uint64_t seed = 0;
  Index batch_size = 1;
  bool shuffle = true;
  bool sparse = false;  // whether rows come from a sparse matrix
  int threads = 1;
  bool fixed_threads = true;  // or any number up to that, whichever is fastest
  std::chrono::milliseconds ask_every{50};  // whether there was an interruption
};

// How far training is; advanced by every step.
struct Progress {
  std::uint64_t step = 0, epoch = 0, examples = 0;
};

// When to stop before the epochs are used up; without `tol` never.
struct Stopping {
  bool active = false;
  double tol = 0.0, n_iter_no_change = 0.0, best = 0.0, without_improvement = 0.0;
};

struct EpochRecord {
  double cost, seconds;
};

template <class T> class Trainer {
 public:
  Trainer(const Architecture& net, const Settings& settings, Index n_examples)
      : net_(net), settings_(with_threads_of_use(net, settings, n_examples)),
        n_batch_(std::min(settings.batch_size, n_examples)),
        buffers_(net, n_batch_, true, !settings.dropout.empty(),
                 settings.sparse || (settings.shuffle && n_batch_ > 1 && n_batch_ < n_examples)),
        losses_(loss_blocks<T>(net.loss)),
        update_(choose_update<T>(settings.optimizer.kind, false)),
        penalized_update_(
            choose_update<T>(settings.optimizer.kind, settings.l2 != 0 || settings.l1 != 0)),
        order_(static_cast<std::size_t>(n_examples)),
        team_(settings_.threads, settings.fixed_threads, work() > kLargeStep) {
    for (Index l = 0; l < net_.n_layers(); ++l) {
      const Index in = net_.sizes[idx(l)], out = net_.sizes[idx(l) + 1];
      layers_.emplace_back(in, out, optimizer_slots(settings.optimizer.kind), l > 0);
      if (l + 1 < net_.n_layers()) rows_.push_back(activation_blocks<T>(net_.activations[idx(l)]));
      for (Index k = 0; k < in; k += kRowBlock) units_.push_back({l, k, std::min(in, k + kRowBlock)});
    }
    unit_penalty_.assign(units_.size(), 0.0);
    steps_per_look_ = static_cast<std::uint64_t>(std::max(1.0, std::min(1e4, 1e7 / work())));
    for (int t = 0; t < settings_.threads; ++t)
      gradients_.emplace_back((kRowBlock + 1) * kPanel<T> +
                              padded<T>(*std::max_element(net_.sizes.begin(), net_.sizes.end())));
    if (settings_.shuffle && n_batch_ < n_examples) shuffle_.resize(idx(n_examples));
  }

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Runs up to n_epochs and fills a record of each that was finished; returns how many. Theta and
  // the optimizer's memory are read at the beginning and written at the end; they are those after
  // the last finished step, whenever it was interrupted.
  // `interrupted` is asked about every 50 ms whether to stop.
  Index run(T* theta, T* first, T* second, const Examples<T>& examples, double rate,
            Progress& progress, Stopping& stopping, EpochRecord* records, Index n_epochs,
            const std::function<bool()>& interrupted) {
    const std::lock_guard<std::mutex> lock(running_);
    examples_ = &examples;
    rate_ = rate;
    status_ = Status::kFinished;
    progress_ = &progress;
    interrupted_ = &interrupted;
    arrays_ = {theta, first, second};
    held_ = progress.step;
    finished_ = position_ = 0;
    stop_ = done_ = false;
    given_up_.store(kNone, std::memory_order_relaxed);
    last_asked_ = Clock::now();
    read(theta, first, second);
    while (status_ == Status::kFinished && finished_ < n_epochs && !done_) {
      const auto begin = Clock::now();
      const std::uint64_t steps = progress.step;
      const int size = team_.size();
      Barrier barrier(size);
      next_unit_.store(0, std::memory_order_relaxed);
      pause_ = false;
      pause_at_ = begin + team_.patience();
      in_team(size, [&](int t) { work({t, size}, barrier, records, stopping, n_epochs); });
      const std::chrono::duration<double> took = Clock::now() - begin;
      if (progress.step != steps)
        team_.took(took.count() / static_cast<double>(progress.step - steps));
    }
    if (held_ != progress.step) write();
    return finished_;
  }

  const Architecture& architecture() const { return net_; }
  bool takes_sparse() const { return settings_.sparse; }
  Index n_examples() const { return static_cast<Index>(order_.size()); }

  // How the last run ended, and the last batch's cost.
  Status status() const { return status_; }
  double last_cost() const { return data_cost_; }

 private:
  // No more threads than a step has parts: tiles of rows, blocks of weights.
  static Settings with_threads_of_use(const Architecture& net, Settings settings, Index n_examples) {
    const Index tiles = (std::min(settings.batch_size, n_examples) + kTileRows - 1) / kTileRows;
    Index blocks = 0;
    for (Index l = 0; l < net.n_layers(); ++l)
      blocks += (net.sizes[idx(l)] + kRowBlock - 1) / kRowBlock;
    settings.threads =
        static_cast<int>(std::min<Index>(settings.threads, std::max(tiles, blocks)));
    return settings;
  }

  struct Unit {
    Index layer, begin, end;  // rows of the layer's weights
  };
  using Clock = std::chrono::steady_clock;

  void read(const T* theta, const T* first, const T* second) {
    Index at = 0;
    for (auto& layer : layers_) {
      layer.theta.read(theta + at);
      if (layer.first.data) layer.first.read(first + at);
      if (layer.second.data) layer.second.read(second + at);
      if (layer.transposed.data)
        for (Index p = 0; p < layer.theta.count(); ++p)
          layer.transpose(p, 0, layer.theta.rows - 1);
      at += layer.theta.rows * layer.theta.columns;
    }
  }
  void write() {
    Index at = 0;
    for (const auto& layer : layers_) {
      layer.theta.write(arrays_.theta + at);
      if (layer.first.data) layer.first.write(arrays_.first + at);
      if (layer.second.data) layer.second.write(arrays_.second + at);
      at += layer.theta.rows * layer.theta.columns;
    }
    held_ = progress_->step;
  }

  // Multiplications of a step, roughly.
  double work() const {
    double n = 1;
    for (Index l = 0; l < net_.n_layers(); ++l)
      n += 3.0 * static_cast<double>(n_batch_ * net_.sizes[idx(l)] * net_.sizes[idx(l) + 1]);
    return n;
  }

  struct Member {
    int number, of;  // which thread of how many
  };

  // All threads of a team run this together, from where the last team stopped, until the epochs are
  // done or the team is to be chosen anew. Thread 0 does what is to be done once; what it writes for
  // the others (stop_, done_, pause_, finished_, next_unit_) it writes where a barrier lies before
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
      const Batch batch = batch_at(start, std::min(n_batch_, M - start), shuffled, step++);
      if (leads) hold_if_long();
      rows_phase(me, batch);
      barrier.wait();
      if (leads && !is_given_up(batch.step)) {
        data_cost_ = data_cost(batch);
        look_around(step);
      }
      const Step<T> update(settings_.optimizer, rate_, step, settings_.l2 / examples_->total,
                           settings_.l1 / examples_->total);
      weights_phase(me, batch, update);
      barrier.wait();
      if (is_given_up(batch.step)) break;
      if (leads) finish_step(batch);
      start += batch.n;
      if (stop_) break;
      if (start == M) {
        if (leads) end_epoch(records, stopping);
        barrier.wait();
        start = 0;
        if (done_ || finished_ == n_epochs) break;
      }
    } while (!pause_);
    if (leads) position_ = start;
  }

  void begin_epoch(bool shuffled) {
    if (shuffled) shuffle_.fill(order_.data(), settings_.seed, progress_->epoch);
    epoch_cost_ = 0;
    epoch_begin_ = Clock::now();
  }

  void end_epoch(EpochRecord* records, Stopping& stopping) {
    ++progress_->epoch;
    records[finished_] = {epoch_cost_,
                          std::chrono::duration<double>(Clock::now() - epoch_begin_).count()};
    if (std::isfinite(epoch_cost_)) {
      ++finished_;
      done_ = stopping.active && plateau(stopping, epoch_cost_);
    } else {  // the penalties: a data cost would have ended it before
      data_cost_ = epoch_cost_;
      if (status_ == Status::kFinished) status_ = Status::kDiverged;
      done_ = true;
    }
  }

  // Whether to stop: at once if the cost is no number; after this step, and the epoch if it is its
  // last, if there was an interruption. The clock is looked at only every so many steps, since small
  // ones take less time than passes between two questions.
  void look_around(std::uint64_t step) {
    if (!std::isfinite(data_cost_)) {
      status_ = Status::kDiverged;
      stop_ = true;
      return;
    }
    if (step % steps_per_look_ != 0) return;
    const auto now = Clock::now();
    pause_ = !team_.is_fixed() && now >= pause_at_;
    if (is_large())
      weights_begin_ = now;  // it asks on its way
    else if (is_interrupted(now))
      pause_ = true;
  }

  // Asked about every 50 ms.
  bool is_interrupted(Clock::time_point now) {
    if (now - last_asked_ < settings_.ask_every) return false;
    last_asked_ = now;
    if (!(*interrupted_)()) return false;
    status_ = Status::kInterrupted;
    return true;
  }

  // A step that may take milliseconds asks on its way, before each block of rows and each panel of
  // weights, and is given up if there was an interruption: all threads leave out the rest of it, and
  // it does not count.
  bool is_large() const { return steps_per_look_ == 1; }
  bool is_given_up(std::uint64_t step) const {
    return given_up_.load(std::memory_order_relaxed) == step;
  }
  bool gives_up(Member me, std::uint64_t step) {
    if (!is_large()) return false;
    if (me.number == 0 && !is_given_up(step) && is_interrupted(Clock::now()))
      given_up_.store(step, std::memory_order_relaxed);
    return is_given_up(step);
  }

  // Weights that half a step has changed cannot be had back: there it asks only if the caller's
  // arrays hold them as they were before it. So they are written there where changing them takes long.
  void hold_if_long() {
    if (weights_took_ > 2 * settings_.ask_every) write();
  }
  bool gives_up_weights(Member me, std::uint64_t step) {
    const bool may_ask = me.number != 0 || held_ == step;
    return may_ask ? gives_up(me, step) : is_given_up(step);
  }

  static bool plateau(Stopping& s, double cost) {
    s.without_improvement = cost > s.best - s.tol ? s.without_improvement + 1 : 0;
    s.best = std::min(s.best, cost);
    return s.without_improvement > s.n_iter_no_change;
  }

  struct Batch {
    const T* X;
    Index n;
    Targets<T> targets;
    std::uint64_t step;  // steps made before
    bool gathered;       // whether X has to be filled first
  };

  Batch batch_at(Index start, Index B, bool shuffled, std::uint64_t step) const {
    const T scale = static_cast<T>(static_cast<double>(examples_->n) /
                                   (static_cast<double>(B) * examples_->total));
    const Index* order = shuffled ? order_.data() + start : nullptr;
    const Index first = shuffled ? order[0] : start;
    // Rows that follow one another are used where they are; others are gathered.
    const bool in_place = examples_->X && (!shuffled || B == 1);
    const T* X = in_place ? examples_->X + first * net_.sizes[0] : buffers_.X.get();
    const Targets<T> targets{examples_->Y, examples_->weight, order, start, net_.sizes.back(), scale};
    return {X, B, targets, step, !in_place};
  }

  // Forward and back for this thread's rows.
  void rows_phase(Member me, const Batch& batch) {
    const Index tiles = (batch.n + kTileRows - 1) / kTileRows;
    const Index from = std::min(batch.n, tiles * me.number / me.of * kTileRows);
    const Index to = std::min(batch.n, tiles * (me.number + 1) / me.of * kTileRows);
    for (Index r = from; r < to; r += kRowBlock) {
      if (gives_up(me, batch.step)) return;
      const Index n = std::min(kRowBlock, to - r);
      if (batch.gathered) gather(batch, r, n);
      forward_rows(net_, layers_, rows_, buffers_, batch.X, r, n,
                   [&](Index l) { if (!settings_.dropout.empty()) drop(l, r, n, batch.step); });
      output(batch, r, n);
      for (Index l = net_.n_layers() - 1; l > 0; --l) backward(l, r, n);
    }
  }

  void gather(const Batch& batch, Index r, Index n) {
    const Index width = net_.sizes[0];
    for (Index i = r; i < r + n; ++i) {
      T* to = buffers_.X.get() + i * width;
      if (examples_->X)
        std::copy_n(examples_->X + batch.targets.example(i) * width, width, to);
      else
        examples_->sparse.write_row(batch.targets.example(i), to, width);
    }
  }

  // What stays is divided by 1 - p; the slope carries the same factor back.
  void drop(Index l, Index r, Index n, std::uint64_t step) {
    auto& buffer = buffers_.layers[idx(l)];
    const Index width = padded<T>(net_.sizes[idx(l) + 1]);
    const Stream stream{settings_.seed, Purpose::kDropout, static_cast<std::uint32_t>(l + 1), step};
    for (Index i = r; i < r + n; ++i) {
      T* a = buffer.a.get() + i * buffer.distance;
      T* slope = buffer.slope.get() + i * buffer.distance;
      T mask[kMaskPart];
      const Index real = net_.sizes[idx(l) + 1];
      for (Index at = 0; at < width; at += kMaskPart) {
        const Index part = std::min<Index>(kMaskPart, width - at);
        std::fill_n(mask, part, T(0));
        dropout_part(mask, at, std::min(part, real - at), real, idx(i), settings_.dropout[idx(l)], stream);
        for (Index j = 0; j < part; j += kLanes<T>) {
          const Vec<T> m = load(mask + j);
          store(a + at + j, load(a + at + j) * m);
          store(slope + at + j, load(slope + at + j) * m);
        }
      }
    }
  }

  // The loss of each row, and delta of the output (BP1.2) in place of its z.
  void output(const Batch& batch, Index r, Index n) {
    const auto& last = buffers_.layers.back();
    losses_.loss(last.delta.get() + r * last.distance, last.distance, buffers_.loss.get(), r, n,
                 batch.targets);
  }

  // BP2.2: delta of the hidden layer below the weights l.
  void backward(Index l, Index r, Index n) {
    const auto& above = buffers_.layers[idx(l)];
    const auto& below = buffers_.layers[idx(l) - 1];
    const Panels<T>& panels = layers_[idx(l)].transposed;
    T* error = below.delta.get() + r * below.distance;
    alignas(kVectorBytes) static const T zeros[kPanel<T>] = {};
    for (Index p = 0; p < panels.count(); ++p)
      multiply(n, panels.width(p),
               Product<T>{panels.rows, above.delta.get() + r * above.distance, above.distance, 1,
                          panels.row(p, 0), panels.width(p), error + p * kPanel<T>, below.distance},
               zeros);
    const Block block{n, padded<T>(panels.columns), below.distance};
    if (const T* slopes = below.slope.get())
      multiply_block(error, slopes + r * below.distance, block);
    else
      rows_[idx(l) - 1].backward(error, below.a.get() + r * below.distance, block);
  }

  // Gradient and update of pieces of the weights, as many as this thread gets.
  void weights_phase(Member me, const Batch& batch, const Step<T>& step) {
    const Index count = static_cast<Index>(units_.size());
    if (me.of == 1) {
      for (Index u = 0; u < count; ++u) piece(me, u, gradients_[0].get(), batch, step);
      return;
    }
    for (Index u; (u = next_unit_.fetch_add(1, std::memory_order_relaxed)) < count;)
      piece(me, u, gradients_[idx(me.number)].get(), batch, step);
  }

  void piece(Member me, Index u, T* gradient, const Batch& batch, const Step<T>& step) {
    if (gives_up_weights(me, batch.step)) return;
    const auto [l, begin, end] = units_[idx(u)];
    auto& layer = layers_[idx(l)];
    const bool penalized = step.l2 != 0 || step.l1 != 0;
    if (penalized) unit_penalty_[idx(u)] = penalty(layer.theta, begin, end);
    const auto& buffer = buffers_.layers[idx(l)];
    const T* A = l == 0 ? batch.X : buffers_.layers[idx(l) - 1].a.get();
    const Index a_row = l == 0 ? net_.sizes[0] : buffers_.layers[idx(l) - 1].distance;
    alignas(kVectorBytes) static const T zeros[kPanel<T>] = {};
    // Row 0 is the bias: the sum of delta (BP4.2). It belongs to the first piece.
    const Index bias = begin == 0 ? 1 : 0;
    T* bias_sums = gradient + (kRowBlock + 1) * kPanel<T>;
    if (bias)
      column_sums(buffer.delta.get(), buffer.distance, batch.n, padded<T>(layer.theta.columns),
                  bias_sums);
    for (Index p = 0; p < layer.theta.count(); ++p) {
      if (gives_up_weights(me, batch.step)) return;
      const Index w = layer.theta.width(p);
      const T* D = buffer.delta.get() + p * kPanel<T>;
      if (bias) std::copy_n(bias_sums + p * kPanel<T>, w, gradient);
      multiply(end - begin, w,
               Product<T>{batch.n, A + begin, 1, a_row, D, buffer.distance, gradient + bias * w, w},
               zeros);  // BP3.2
      auto apply = [&](Update<T> rule, Index row, Index n_rows, const T* g) {
        rule(layer.theta.row(p, row), layer.first.data ? layer.first.row(p, row) : nullptr,
             layer.second.data ? layer.second.row(p, row) : nullptr, g, n_rows * w, step);
      };
      if (penalized) {
        if (bias) apply(update_, 0, 1, gradient);
        apply(penalized_update_, begin + 1, end - begin, gradient + bias * w);
      } else {
        apply(update_, begin + 1 - bias, end - begin + bias, gradient);
      }
      if (layer.transposed.data) layer.transpose(p, begin, end);
    }
  }

  // l2/2 sum W^2 + l1 sum |W| of some rows, in an order that no panel's width changes.
  double penalty(const Panels<T>& W, Index begin, Index end) const {
    double sum = 0;
    for (Index k = begin; k < end; ++k) {
      RowSum<T> squares, sizes;
      for (Index p = 0; p < W.count(); ++p)
        for (Index j = 0; j < W.width(p); j += kLanes<T>) {
          const Vec<T> w = load(W.row(p, k + 1) + j);
          squares.add(w * w);
          sizes.add(select<T>(w < Vec<T>{}, -w, w));
        }
      sum += 0.5 * settings_.l2 * static_cast<double>(squares.total()) +
             settings_.l1 * static_cast<double>(sizes.total());
    }
    return sum;
  }

  // The part of the batch's cost that its examples make, before the step.
  double data_cost(const Batch& batch) const {
    double cost = 0;
    for (Index i = 0; i < batch.n; ++i) cost += static_cast<double>(buffers_.loss.get()[i]);
    return cost;
  }

  void finish_step(const Batch& batch) {
    double penalties = 0;
    for (const double part : unit_penalty_) penalties += part;
    epoch_cost_ += static_cast<double>(batch.n) / static_cast<double>(examples_->n) *
                   (data_cost_ + penalties / examples_->total);
    if (is_large()) weights_took_ = Clock::now() - weights_begin_;
    ++progress_->step;
    progress_->examples += static_cast<std::uint64_t>(batch.n);
    next_unit_.store(0, std::memory_order_relaxed);
  }

  static constexpr Index kMaskPart = 256;
  static constexpr double kLargeStep = 8e6;  // some 100 us: beyond, threads win if they are there

  const Architecture net_;
  const Settings settings_;
  const Index n_batch_;
  BatchBuffers<T> buffers_;
  const LossBlocks<T> losses_;
  const Update<T> update_, penalized_update_;
  std::vector<LayerPanels<T>> layers_;
  std::vector<ActivationBlocks<T>> rows_;
  std::vector<Unit> units_;
  std::vector<double> unit_penalty_;
  std::vector<Buffer<T>> gradients_;
  std::vector<Index> order_;
  TeamSize team_;
  Shuffle shuffle_;

  const Examples<T>* examples_ = nullptr;
  Progress* progress_ = nullptr;
  const std::function<bool()>* interrupted_ = nullptr;
  struct {
    T *theta, *first, *second;
  } arrays_{};              // the caller's
  std::uint64_t held_ = 0;  // after how many steps they hold the parameters
  double rate_ = 0, epoch_cost_ = 0, data_cost_ = 0;
  Index finished_ = 0, position_ = 0;  // epochs of this run, and where in its epoch it is
  bool stop_ = false, done_ = false, pause_ = false;
  std::uint64_t steps_per_look_ = 1;
  Clock::time_point last_asked_, epoch_begin_, pause_at_, weights_begin_;
  Clock::duration weights_took_{0};
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::atomic<std::uint64_t> given_up_{kNone};  // the step that is given up: steps made before it
  std::atomic<Index> next_unit_{0};
  Status status_ = Status::kFinished;
  std::mutex running_;  // two Python threads may use one learner: one after the other
};

}  // namespace chainrule::CHAINRULE_ISA
