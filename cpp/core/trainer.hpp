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
#include <numeric>

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

// How far training is; advanced by every step. A run that was interrupted inside an epoch goes on
// there: after `position` of its examples, with the cost and the seconds they took.
struct Progress {
  std::uint64_t step = 0, epoch = 0, examples = 0, position = 0;
  double epoch_cost = 0.0, epoch_seconds = 0.0;
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
        team_(settings_.threads, settings.fixed_threads,
              work() > kLongStep     ? TeamSize::Steps::kLong
              : work() > kMediumStep ? TeamSize::Steps::kMedium
                                     : TeamSize::Steps::kShort),
        by_columns_(work() > kLongStep && n_batch_ <= kMostRowsByColumns) {
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
    finished_ = 0;
    position_ = static_cast<Index>(progress.position);
    stop_ = done_ = false;
    given_up_.store(kNone, std::memory_order_relaxed);
    last_asked_ = Clock::now();
    read(theta, first, second);
    if (position_ > 0) {
      begin_epoch(settings_.shuffle && n_batch_ < examples.n);
      epoch_cost_ = progress.epoch_cost;
      epoch_begin_ -= std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(progress.epoch_seconds));
    }
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
    progress.position = static_cast<std::uint64_t>(position_);
    progress.epoch_cost = position_ > 0 ? epoch_cost_ : 0.0;
    progress.epoch_seconds = position_ > 0 ? seconds_since(epoch_begin_) : 0.0;
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
      if (by_columns(me))
        columns_phase(me, batch, barrier);
      else
        rows_phase(me, batch);
      barrier.wait();
      if (leads && !is_given_up(batch.step)) {
        data_cost_ = data_cost(batch);
        penalty_ = std::accumulate(unit_penalty_.begin(), unit_penalty_.end(), 0.0);
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

  bool by_columns(Member me) const { return me.of > 1 && by_columns_; }

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
    records[finished_] = {epoch_cost_, seconds_since(epoch_begin_)};
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
    penalties(me);
    const Part mine = share_of_rows(me, batch.n, 0);
    for (Index r = mine.from; r < mine.to; r += kRowBlock) {
      if (gives_up(me, batch.step)) return;
      const Index n = std::min(kRowBlock, mine.to - r);
      if (batch.gathered) gather(batch, r, n);
      forward_rows(net_, layers_, rows_, buffers_, batch.X, r, n,
                   [&](Index l, Part part) { if (!settings_.dropout.empty()) drop(l, part, batch.step); });
      output(batch, r, n);
      for (Index l = net_.n_layers() - 1; l > 0; --l)
        backward(l, {r, r + n, 0, layers_[idx(l)].transposed.count()});
    }
  }

  // The same with every layer shared out by columns, so that a thread reads only its own part of the
  // weights, which it has written itself: for large layers, whose weights would otherwise go from one
  // processor to the other in every step. Costs a barrier a layer.
  void columns_phase(Member me, const Batch& batch, Barrier& barrier) {
    const Index last = net_.n_layers() - 1;
    const Part mine = share_of_rows(me, batch.n, layers_[idx(last)].theta.count());
    penalties(me);
    if (batch.gathered) gather(batch, mine.from, mine.rows());
    barrier.wait();
    const T* A = batch.X;
    Index a_row = net_.sizes[0];
    for (Index l = 0; l < last; ++l) {
      const Part part = share(me, batch.n, layers_[idx(l)].theta.count());
      pull(A + part.from * a_row, part.rows(), net_.sizes[idx(l)], a_row);
      in_blocks(part, [&](Part block) {
        if (gives_up(me, batch.step)) return;
        forward_part(layers_[idx(l)], &rows_[idx(l)], buffers_.layers[idx(l)], A, a_row, block);
        if (!settings_.dropout.empty()) drop(l, block, batch.step);
      });
      barrier.wait();
      A = buffers_.layers[idx(l)].a.get();
      a_row = buffers_.layers[idx(l)].distance;
    }
    pull(A + mine.from * a_row, mine.rows(), net_.sizes[idx(last)], a_row);
    in_blocks(mine, [&](Part block) {
      if (gives_up(me, batch.step)) return;
      forward_part<T>(layers_[idx(last)], nullptr, buffers_.layers[idx(last)], A, a_row, block);
      output(batch, block.from, block.rows());
    });
    for (Index l = last; l > 0; --l) {
      const auto& above = buffers_.layers[idx(l)];
      const Panels<T>& panels = layers_[idx(l)].transposed;
      const Part part = share(me, batch.n, panels.count());
      pull(panels.row(part.first, 0), 1, panels.rows * panels.width_of(part.first, part.last), 0);
      barrier.wait();
      pull(above.delta.get() + part.from * above.distance, part.rows(), net_.sizes[idx(l) + 1], above.distance);
      in_blocks(part, [&](Part block) {
        if (!gives_up(me, batch.step)) backward(l, block);
      });
    }
  }

  // Asks for what another thread has written, all of it at once: on its way from one processor's
  // cache to another's a line takes so long that a kernel that asks line by line would only wait.
  static void pull(const T* from, Index rows, Index columns, Index distance) {
    constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));
    for (Index r = 0; r < rows; ++r)
      for (Index j = 0; j < columns; j += kLine) __builtin_prefetch(from + r * distance + j, 0, 2);
  }

  // All panels of some rows, in whole tiles.
  static Part share_of_rows(Member me, Index n, Index panels) {
    const Index tiles = (n + kTileRows - 1) / kTileRows;
    return {std::min(n, tiles * me.number / me.of * kTileRows),
            std::min(n, tiles * (me.number + 1) / me.of * kTileRows), 0, panels};
  }

  // Some panels of all rows if the panels can be shared out about evenly, else some rows.
  static bool shares_panels(Member me, Index panels) {
    return panels % me.of == 0 || panels >= 4 * me.of;
  }
  static Part share(Member me, Index n, Index panels) {
    if (!shares_panels(me, panels)) return share_of_rows(me, n, panels);
    return {0, n, panels * me.number / me.of, panels * (me.number + 1) / me.of};
  }

  template <class Body> static void in_blocks(Part part, Body&& body) {
    for (Index r = part.from; r < part.to; r += kManyRows)
      body({r, std::min(part.to, r + kManyRows), part.first, part.last});
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
  void drop(Index l, Part part, std::uint64_t step) {
    auto& buffer = buffers_.layers[idx(l)];
    const Index real = net_.sizes[idx(l) + 1], first = part.first * kPanel<T>,
                end = first + layers_[idx(l)].theta.width_of(part.first, part.last);
    const Stream stream{settings_.seed, Purpose::kDropout, static_cast<std::uint32_t>(l + 1), step};
    for (Index i = part.from; i < part.to; ++i) {
      T* a = buffer.a.get() + i * buffer.distance;
      T* slope = buffer.slope.get() + i * buffer.distance;
      T mask[kMaskPart];
      for (Index at = first; at < end; at += kMaskPart) {
        const Index n = std::min<Index>(kMaskPart, end - at);
        std::fill_n(mask, n, T(0));
        dropout_part(mask, at, std::min(n, real - at), real, idx(i), settings_.dropout[idx(l)], stream);
        for (Index j = 0; j < n; j += kLanes<T>) {
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

  // BP2.2: delta of a part of the hidden layer below the weights l.
  void backward(Index l, Part part) {
    const auto& above = buffers_.layers[idx(l)];
    const auto& below = buffers_.layers[idx(l) - 1];
    const Panels<T>& panels = layers_[idx(l)].transposed;
    const Index n = part.rows(), start = part.from * below.distance;
    T* error = below.delta.get() + start;
    const T* slopes = below.slope.get();
    const bool relu = rows_[idx(l) - 1].is_relu && !slopes;
    alignas(kVectorBytes) static const T zeros[kPanel<T>] = {};
    for (Index p = part.first; p < part.last; ++p)
      (relu ? multiply<T, Finish::kReluSlope> : multiply<T>)(
          n, panels.width(p),
          Product<T>{panels.rows, above.delta.get() + part.from * above.distance, above.distance, 1,
                     panels.row(p, 0), panels.width(p), error + p * kPanel<T>, below.distance,
                     below.a.get() + start + p * kPanel<T>},
          zeros);
    const Index column = part.first * kPanel<T>;
    const Block block{n, panels.width_of(part.first, part.last), below.distance};
    if (slopes)
      multiply_block(error + column, slopes + start + column, block);
    else if (!relu)
      rows_[idx(l) - 1].backward(error + column, below.a.get() + start + column, block);
  }

  // Gradient and update of a part of the weights. If the layers are shared out by columns, a thread
  // has the panels here that it has in columns_phase; else as many pieces as it gets.
  void weights_phase(Member me, const Batch& batch, const Step<T>& step) {
    T* gradient = gradients_[idx(me.number)].get();
    if (!by_columns(me)) {
      const Index count = static_cast<Index>(units_.size());
      auto take = [&](Index u) {
        const auto [l, begin, end] = units_[idx(u)];
        piece(me, l, {begin, end, 0, layers_[idx(l)].theta.count()}, gradient, batch, step);
      };
      if (me.of == 1)
        for (Index u = 0; u < count; ++u) take(u);
      else
        for (Index u; (u = next_unit_.fetch_add(1, std::memory_order_relaxed)) < count;) take(u);
      return;
    }
    for (Index l = 0; l < net_.n_layers(); ++l) {
      const Index in = net_.sizes[idx(l)], panels = layers_[idx(l)].theta.count();
      Part part{0, in, 0, panels};
      if (shares_panels(me, panels)) {
        part.first = panels * me.number / me.of;
        part.last = panels * (me.number + 1) / me.of;
      } else {
        const Index pieces = (in + kRowBlock - 1) / kRowBlock;
        part.from = std::min(in, pieces * me.number / me.of * kRowBlock);
        part.to = std::min(in, pieces * (me.number + 1) / me.of * kRowBlock);
      }
      for (Index k = part.from; k < part.to; k += kRowBlock)
        piece(me, l, {k, std::min(part.to, k + kRowBlock), part.first, part.last}, gradient, batch, step);
    }
  }

  void piece(Member me, Index l, Part part, T* gradient, const Batch& batch, const Step<T>& step) {
    if (gives_up_weights(me, batch.step)) return;
    auto& layer = layers_[idx(l)];
    const bool penalized = step.l2 != 0 || step.l1 != 0;
    const auto& buffer = buffers_.layers[idx(l)];
    const T* A = l == 0 ? batch.X : buffers_.layers[idx(l) - 1].a.get();
    const Index a_row = l == 0 ? net_.sizes[0] : buffers_.layers[idx(l) - 1].distance;
    alignas(kVectorBytes) static const T zeros[kPanel<T>] = {};
    // Row 0 is the bias: the sum of delta (BP4.2). It belongs to the first piece.
    const Index begin = part.from, end = part.to, bias = begin == 0 ? 1 : 0;
    const Index first_column = part.first * kPanel<T>;
    T* bias_sums = gradient + (kRowBlock + 1) * kPanel<T>;
    if (bias)
      column_sums(buffer.delta.get() + first_column, buffer.distance, batch.n,
                  layer.theta.width_of(part.first, part.last), bias_sums);
    for (Index p = part.first; p < part.last; ++p) {
      if (gives_up_weights(me, batch.step)) return;
      const Index w = layer.theta.width(p);
      const T* D = buffer.delta.get() + p * kPanel<T>;
      if (bias) std::copy_n(bias_sums + p * kPanel<T> - first_column, w, gradient);
      T* weights = gradient + bias * w;
      if (layer.narrow)
        narrow_gradient(layer.theta.columns, end - begin, batch.n, A + begin, a_row, D, buffer.distance, weights);
      else
        multiply(end - begin, w,
                 Product<T>{batch.n, A + begin, 1, a_row, D, buffer.distance, weights, w},
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

  // BP3.2 of a layer with few outputs, the other way round: the gradient's transpose is the product,
  // whose vectors are full, where its own would be mostly padding. The chains are the same.
  static void narrow_gradient(Index n_out, Index n_in, Index n, const T* A, Index a_row, const T* D,
                              Index d_row, T* gradient) {
    constexpr Index L = kLanes<T>;
    alignas(kVectorBytes) static const T zeros[kPanel<T>] = {};
    alignas(kVectorBytes) T transposed[L * kRowBlock];
    for (Index k = 0; k < n_in; k += kPanel<T>)
      multiply(n_out, std::min(kPanel<T>, padded<T>(n_in - k)),
               Product<T>{n, D, 1, d_row, A + k, a_row, transposed + k, kRowBlock}, zeros);
    for (Index k = 0; k < n_in; k += L) {
      Vec<T> square[L] = {};
      for (Index i = 0; i < n_out; ++i) square[i] = load(transposed + i * kRowBlock + k);
      transpose_square<T>(square);
      for (Index i = 0; i < std::min(L, n_in - k); ++i) store(gradient + (k + i) * L, square[i]);
    }
  }

  // The penalty of this thread's share of the rows of weights, before the step.
  void penalties(Member me) {
    if (settings_.l2 == 0 && settings_.l1 == 0) return;
    for (Index u = me.number; u < static_cast<Index>(units_.size()); u += me.of) {
      const auto [l, begin, end] = units_[idx(u)];
      unit_penalty_[idx(u)] = penalty(layers_[idx(l)].theta, begin, end);
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
    epoch_cost_ += static_cast<double>(batch.n) / static_cast<double>(examples_->n) *
                   (data_cost_ + penalty_ / examples_->total);
    if (is_large()) weights_took_ = Clock::now() - weights_begin_;
    ++progress_->step;
    progress_->examples += static_cast<std::uint64_t>(batch.n);
    next_unit_.store(0, std::memory_order_relaxed);
  }

  static constexpr Index kMaskPart = 256;
  static constexpr Index kManyRows = 192;  // that pass over a panel together
  static constexpr double kMediumStep = 1e6;  // multiplications that take some 10 us
  static constexpr double kLongStep = 8e6;    // some 100 us: beyond, threads win if they are there
  static constexpr Index kMostRowsByColumns = 512;  // beyond, weights are the least of what is moved

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
  const bool by_columns_;  // if there are several threads
  Shuffle shuffle_;

  const Examples<T>* examples_ = nullptr;
  Progress* progress_ = nullptr;
  const std::function<bool()>* interrupted_ = nullptr;
  struct {
    T *theta, *first, *second;
  } arrays_{};              // the caller's
  std::uint64_t held_ = 0;  // after how many steps they hold the parameters
  double rate_ = 0, epoch_cost_ = 0, data_cost_ = 0, penalty_ = 0;
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
