// The two passes of a step, over its examples and over the weights, for one thread of a team.
//
// Rows first, then weights: each thread carries its rows through all layers forward and back; then
// the threads share out the weights, each computing the gradient of a piece and updating it at once,
// so that no gradient is ever stored. No sum is split across threads, which is why their number
// cannot change a bit.
#pragma once

#include "../kernels/narrow.hpp"
#include "../team/interruption.hpp"
#include "dropout.hpp"
#include "forward.hpp"
#include "gather.hpp"
#include "gradient_norm.hpp"
#include "sharing.hpp"

#include <numeric>

namespace chainrule::CHAINRULE_ISA {

template <class T> class Passes {
 public:
  // For batches of up to n_batch of n_examples, and teams of up to `threads`.
  Passes(const Architecture& net, const Settings& settings, Index n_batch, Index n_examples,
         int threads, Interruption& interruption)
      : net_(net),
        settings_(settings),
        interruption_(interruption),
        buffers_(net, n_batch, true, settings.drops_nodes(),
                 settings.sparse || settings.numbered || settings.drops_inputs() ||
                     (settings.shuffle && n_batch > 1 && n_batch < n_examples)),
        losses_(net.loss, net.sizes.back()),
        dropout_(settings),
        is_penalized_(settings.l2 != 0 || settings.l1 != 0),
        clips_(settings.max_grad_norm > 0),
        update_biases_(choose_bias_update<T>(settings.optimizer.kind)),
        update_weights_(choose_update<T>(settings.optimizer.kind, is_penalized_ && !clips_)),
        by_columns_(step_work(net, n_batch) > kLongStep && n_batch <= kMostRowsByColumns),
        pieces_(net, threads) {
    for (Index l = 0; l < net_.n_layers(); ++l) {
      const Index in = net_.sizes[idx(l)], out = net_.sizes[idx(l) + 1];
      layers_.emplace_back(in, out, l > 0, optimizer_slots(settings.optimizer.kind), l > 0, clips_);
      if (l + 1 < net_.n_layers()) rows_.push_back(activation_blocks<T>(net_.activations[idx(l)]));
      norm_.add_layer((in + kRowBlock - 1) / kRowBlock, out);
    }
    block_penalty_.assign(pieces_.blocks().size(), 0.0);
    for (int t = 0; t < threads; ++t)
      gradients_.emplace_back((kRowBlock + 1) * kPanel<T> +
                              padded<T>(*std::max_element(net_.sizes.begin(), net_.sizes.end())));
  }

  Passes(const Passes&) = delete;
  Passes& operator=(const Passes&) = delete;

  // The examples of the next steps.
  void take(const Examples<T>& examples) { examples_ = &examples; }

  // Sets the number of threads of the next steps.
  void divide(int threads) { pieces_.divide(threads); }

  // Before a step: no piece of the weights is taken yet.
  void begin_step() { pieces_.begin(); }

  // Lays the parameters and the optimizer's memory out, and back.
  void read(const T* theta, const T* first, const T* second) {
    Index at = 0;
    for (auto& layer : layers_) {
      layer.theta.read(theta + at);
      if (layer.first.data) layer.first.read(first + at);
      if (layer.second.data) layer.second.read(second + at);
      if (layer.transposed.data)
        for (Index p = 0; p < layer.theta.count(); ++p) layer.transpose(p, 0, layer.theta.rows - 1);
      at += layer.theta.rows * layer.theta.columns;
    }
  }
  void write(T* theta, T* first, T* second) const {
    Index at = 0;
    for (const auto& layer : layers_) {
      layer.theta.write(theta + at);
      if (layer.first.data) layer.first.write(first + at);
      if (layer.second.data) layer.second.write(second + at);
      at += layer.theta.rows * layer.theta.columns;
    }
  }

  // Forward and back for this thread's part of a batch.
  void rows_phase(Member me, const Batch<T>& batch, Barrier& barrier) {
    penalties(me);
    if (goes_by_columns(me))
      columns(me, batch, barrier);
    else
      rows(me, batch);
  }

  // Gradient and update of a part of the weights; a step whose gradient is measured leaves its norm
  // to be asked for. Only if the norm is to be known before the update is the gradient stored, and
  // the threads wait for one another in between.
  void weights_phase(Member me, const Batch<T>& batch, const Step<T>& step, Barrier& barrier) {
    share_out(me, [&](Index l, Part part) { piece(me, l, part, batch, step); });
    if (!clips_) return;
    barrier.wait();
    if (interruption_.is_given_up(batch.step)) return;
    const T scale = clipping_scale();
    if (me.number == 0) begin_step();
    barrier.wait();
    share_out(me, [&](Index l, Part part) { clipped_update(l, part, scale, step); });
  }

  // The parts of the batch's cost before the step: that of its examples, and the penalties times S.
  double data_cost(const Batch<T>& batch) const {
    double cost = 0;
    for (Index i = 0; i < batch.n; ++i) cost += static_cast<double>(buffers_.loss.get()[i]);
    return cost;
  }
  double total_penalty() const {
    return std::accumulate(block_penalty_.begin(), block_penalty_.end(), 0.0);
  }

  double gradient_norm() const { return norm_.norm(); }

  T* gathered_X() const { return buffers_.X.get(); }

 private:
  bool goes_by_columns(Member me) const { return me.of > 1 && by_columns_; }

  // Calls body(layer, part) for this thread's pieces of the weights. If the layers are shared out by
  // columns, a thread has the panels here that it has in columns; else as many pieces as it gets.
  template <class Body> void share_out(Member me, Body&& body) {
    if (!goes_by_columns(me)) {
      pieces_.share_out(me, [&](const Piece& piece) { body(piece.layer, piece.part); });
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
        body(l, Part{k, std::min(part.to, k + kRowBlock), part.first, part.last});
    }
  }

  // Each thread carries some rows through all layers.
  void rows(Member me, const Batch<T>& batch) {
    const Part mine = share_of_rows(me, batch.n, 0);
    for (Index r = mine.from; r < mine.to; r += kRowBlock) {
      if (interruption_.gives_up(me, batch.step)) return;
      const Index n = std::min(kRowBlock, mine.to - r);
      if (batch.gathered) gather(batch, r, n);
      forward_rows(net_, layers_, rows_, buffers_, batch.X, r, n,
                   [&](Index l, Part part) { drop(l, part, batch.step); });
      output(batch, r, n);
      for (Index l = net_.n_layers() - 1; l > 0; --l)
        backward(l, {r, r + n, 0, layers_[idx(l)].transposed.count()});
    }
  }

  // The same with every layer shared out by columns, so that a thread reads only its own part of the
  // weights, which it has written itself: for large layers, whose weights would otherwise go from one
  // processor to the other in every step. Costs a barrier a layer.
  void columns(Member me, const Batch<T>& batch, Barrier& barrier) {
    const Index last = net_.n_layers() - 1;
    const Part mine = share_of_rows(me, batch.n, layers_[idx(last)].theta.count());
    if (batch.gathered) gather(batch, mine.from, mine.rows());
    barrier.wait();
    const T* A = batch.X;
    Index a_row = net_.sizes[0];
    for (Index l = 0; l < last; ++l) {
      const Part part = share(me, batch.n, layers_[idx(l)].theta.count());
      pull(A + part.from * a_row, part.rows(), net_.sizes[idx(l)], a_row);
      in_blocks(part, [&](Part block) {
        if (interruption_.gives_up(me, batch.step)) return;
        forward_part(layers_[idx(l)], &rows_[idx(l)], buffers_.layers[idx(l)], A, a_row, block);
        drop(l, block, batch.step);
      });
      barrier.wait();
      A = buffers_.layers[idx(l)].a.get();
      a_row = buffers_.layers[idx(l)].distance;
    }
    pull(A + mine.from * a_row, mine.rows(), net_.sizes[idx(last)], a_row);
    in_blocks(mine, [&](Part block) {
      if (interruption_.gives_up(me, batch.step)) return;
      forward_part<T>(layers_[idx(last)], nullptr, buffers_.layers[idx(last)], A, a_row, block);
      output(batch, block.from, block.rows());
    });
    for (Index l = last; l > 0; --l) {
      const auto& above = buffers_.layers[idx(l)];
      const Panels<T>& panels = layers_[idx(l)].transposed;
      const Part part = share(me, batch.n, panels.count());
      pull(panels.row(part.first, 0), 1, panels.rows * panels.width_of(part.first, part.last), 0);
      barrier.wait();
      pull(above.delta.get() + part.from * above.distance, part.rows(), net_.sizes[idx(l) + 1],
           above.distance);
      in_blocks(part, [&](Part block) {
        if (!interruption_.gives_up(me, batch.step)) backward(l, block);
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

  void gather(const Batch<T>& batch, Index r, Index n) {
    const Index width = net_.sizes[0];
    gather_rows(*examples_, batch, r, n, width, buffers_.X.get(), [&](T* x, Index i) {
      if (settings_.drops_inputs()) dropout_.inputs(x, width, i, batch.step);
    });
  }

  void drop(Index l, Part part, std::uint64_t step) {
    dropout_.nodes(buffers_.layers[idx(l)], layers_[idx(l)].theta, l, part, step);
  }

  // The loss of each row, and delta of the output (BP1.2) in place of its z.
  void output(const Batch<T>& batch, Index r, Index n) {
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
    for (Index p = part.first; p < part.last; ++p)
      (relu ? multiply<T, Finish::kReluSlope>
            : multiply<T>)(n, panels.width(p),
                           Product<T>{panels.rows, above.delta.get() + part.from * above.distance,
                                      above.distance, 1, panels.row(p, 0), panels.width(p),
                                      error + p * kPanel<T>, below.distance,
                                      below.a.get() + start + p * kPanel<T>},
                           kZeros<T>);
    const Index column = part.first * kPanel<T>;
    const Block block{n, panels.width_of(part.first, part.last), below.distance};
    if (slopes)
      multiply_block(error + column, slopes + start + column, block);
    else if (!relu)
      rows_[idx(l) - 1].backward(error + column, below.a.get() + start + column, block);
  }

  // The gradient of a piece of the weights, and their update; or, if it is clipped, the gradient
  // alone, with the penalties, into its place.
  void piece(Member me, Index l, Part part, const Batch<T>& batch, const Step<T>& step) {
    const auto gives_up = [&] {
      return clips_ ? interruption_.gives_up(me, batch.step)
                    : interruption_.gives_up_weights(me, batch.step);
    };
    if (gives_up()) return;
    auto& layer = layers_[idx(l)];
    T* gradient = gradients_[idx(me.number)].get();
    const auto& buffer = buffers_.layers[idx(l)];
    const T* A = l == 0 ? batch.X : buffers_.layers[idx(l) - 1].a.get();
    const Index a_row = l == 0 ? net_.sizes[0] : buffers_.layers[idx(l) - 1].distance;
    // Row 0 is the bias: the sum of delta (BP4.2). It belongs to the pieces with the first rows.
    const Index begin = part.from, end = part.to, bias = begin == 0 ? 1 : 0;
    const Index first_column = part.first * kPanel<T>;
    // They come with the product of the weights, unless that would take a tile for a single row.
    const bool sums = bias && !layer.narrow && (end - begin) % kTileRows != 0;
    T* bias_sums = gradient + (kRowBlock + 1) * kPanel<T>;
    if (bias && !sums)
      column_sums(buffer.delta.get() + first_column, buffer.distance, batch.n,
                  layer.theta.width_of(part.first, part.last), bias_sums);
    for (Index p = part.first; p < part.last; ++p) {
      if (gives_up()) return;
      if (clips_) gradient = layer.gradient.row(p, begin + 1 - bias);
      const Index w = layer.theta.width(p);
      const T* D = buffer.delta.get() + p * kPanel<T>;
      if (bias && !sums) std::copy_n(bias_sums + p * kPanel<T> - first_column, w, gradient);
      T* weights = gradient + bias * w;
      if (layer.narrow)
        narrow_gradient<T, kRowBlock>(layer.theta.columns, end - begin, batch.n, A + begin, a_row,
                                      D, buffer.distance, weights);
      else  // BP3.2
        multiply(end - begin + sums, w,
                 Product<T>{batch.n, A + begin, 1, a_row, D, buffer.distance,
                            sums ? gradient : weights, w, nullptr, sums},
                 kZeros<T>);
      if (batch.measured || clips_)
        norm_.take(l, begin / kRowBlock, p, gradient, layer.theta.row(p, begin + 1), bias,
                   end - begin, w, step);
      if (!clips_)
        update(layer, p, part, gradient, step);
      else if (is_penalized_)
        add_penalty(layer.theta.row(p, begin + 1), weights, (end - begin) * w, step.l2, step.l1);
    }
  }

  // The update of a panel's part of the weights, and of the biases with the first rows.
  void update(LayerPanels<T>& layer, Index p, Part part, const T* gradient, const Step<T>& step) {
    const Index begin = part.from, end = part.to, bias = begin == 0 ? 1 : 0,
                w = layer.theta.width(p);
    auto apply = [&](Update<T> rule, Index row, Index n_rows, const T* g) {
      rule(layer.theta.row(p, row), layer.first.data ? layer.first.row(p, row) : nullptr,
           layer.second.data ? layer.second.row(p, row) : nullptr, g, n_rows * w, step);
    };
    if (update_weights_ == update_biases_) {
      apply(update_weights_, begin + 1 - bias, end - begin + bias, gradient);
    } else {
      if (bias) apply(update_biases_, 0, 1, gradient);
      apply(update_weights_, begin + 1, end - begin, gradient + bias * w);
    }
    if (layer.transposed.data) layer.transpose(p, begin, end);
  }

  void clipped_update(Index l, Part part, T scale, const Step<T>& step) {
    auto& layer = layers_[idx(l)];
    const Index from = part.from == 0 ? 0 : part.from + 1;
    for (Index p = part.first; p < part.last; ++p) {
      T* g = layer.gradient.row(p, from);
      if (scale != 1) {
        const Index n = (part.to + 1 - from) * layer.theta.width(p);
        for (Index i = 0; i < n; i += kLanes<T>) store(g + i, load(g + i) * splat(scale));
      }
      update(layer, p, part, g, step);
    }
  }

  // The factor of the gradient, 1 if it is short enough; as in PyTorch.
  T clipping_scale() const {
    const double scale = settings_.max_grad_norm / (norm_.norm() + 1e-6);
    return scale < 1 ? static_cast<T>(scale) : T(1);
  }

  // The penalty of this thread's share of the rows of weights, before the step.
  void penalties(Member me) {
    if (settings_.l2 == 0 && settings_.l1 == 0) return;
    for (Index b = me.number; b < static_cast<Index>(block_penalty_.size()); b += me.of) {
      const auto& [l, part] = pieces_.blocks()[idx(b)];
      block_penalty_[idx(b)] =
          penalty_cost(layers_[idx(l)].theta, part.from, part.to, settings_.l2, settings_.l1);
    }
  }

  static constexpr Index kManyRows = 192;  // that pass over a panel together
  static constexpr Index kMostRowsByColumns =
      512;  // beyond, weights are the least of what is moved

  const Architecture& net_;
  const Settings& settings_;
  Interruption& interruption_;
  BatchBuffers<T> buffers_;
  const LossBlocks<T> losses_;
  const Dropout<T> dropout_;
  const bool is_penalized_, clips_;
  const Update<T> update_biases_, update_weights_;
  const bool by_columns_;  // if there are several threads
  std::vector<LayerPanels<T>> layers_;
  std::vector<ActivationBlocks<T>> rows_;
  Pieces<T> pieces_;
  std::vector<double> block_penalty_;
  GradientNorm<T> norm_;
  std::vector<Buffer<T>> gradients_;
  const Examples<T>* examples_ = nullptr;
};

}  // namespace chainrule::CHAINRULE_ISA
