// How the threads of a team divide the weights among them; each computes the gradient of its part
// and updates it.
#pragma once

#include "../team/threads.hpp"
#include "workspace.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

// Some rows and panels of a layer's weights.
struct Piece {
  Index layer;
  Part part;
};

// A thread takes the same pieces in every step, as far as it gets, since what it has updated is in its
// own processor's cache; then those that another has not come to.
template <class T> class Pieces {
 public:
  Pieces(const Architecture& net, int threads)
      : first_(static_cast<std::size_t>(threads) + 1), next_(static_cast<std::size_t>(threads)) {
    for (Index l = 0; l < net.n_layers(); ++l) {
      const Index in = net.sizes[idx(l)];
      const Index panels = Panels<T>{nullptr, in + 1, net.sizes[idx(l) + 1]}.count();
      for (Index k = 0; k < in; k += kRowBlock)
        blocks_.push_back({l, {k, std::min(in, k + kRowBlock), 0, panels}});
    }
    double total = 0;
    for (const Piece& block : blocks_) total += work(block);
    const double most = total / (kPiecesAThread * threads);
    work_before_.push_back(0);
    for (const auto& [l, part] : blocks_) {
      const auto wanted = static_cast<Index>(std::ceil(work({l, part}) / most));
      const Index n = std::clamp<Index>(wanted, 1, part.last);
      for (Index i = 0; i < n; ++i) {
        pieces_.push_back({l, {part.from, part.to, part.last * i / n, part.last * (i + 1) / n}});
        work_before_.push_back(work_before_.back() + work(pieces_.back()));
      }
    }
  }

  // Blocks of rows of all panels, layer by layer.
  const std::vector<Piece>& blocks() const { return blocks_; }

  // Sets the number of threads for the following steps.
  void divide(int threads) {
    for (int t = 0; t <= threads; ++t) first_[static_cast<std::size_t>(t)] = first_of(t, threads);
    begin();
  }

  // Before they share the pieces out: none is taken yet.
  void begin() {
    for (auto& counter : next_) counter.value.store(0, std::memory_order_relaxed);
  }

  // Calls body(piece) for all that this thread gets.
  template <class Body> void share_out(Member me, Body&& body) {
    if (me.of == 1) {  // nobody to share with: whole blocks
      for (const Piece& block : blocks_) body(block);
      return;
    }
    for (int helped = 0; helped < me.of; ++helped) {
      const auto owner = static_cast<std::size_t>((me.number + helped) % me.of);
      const Index from = first_[owner], to = first_[owner + 1];
      auto& next = next_[owner].value;
      for (Index i; (i = from + next.fetch_add(1, std::memory_order_relaxed)) < to;)
        body(pieces_[idx(i)]);
    }
  }

 private:
  struct alignas(64) Counter {
    std::atomic<Index> value{0};
  };
  static constexpr int kPiecesAThread = 4;

  static double work(const Piece& piece) {
    const Part& p = piece.part;
    return static_cast<double>((p.rows() + 1) * (p.last - p.first));
  }

  // The first piece of a thread's share of the work.
  Index first_of(int thread, int threads) const {
    const double before = work_before_.back() * thread / threads;
    const auto end = work_before_.end() - 1;
    // A piece across a boundary goes to the side that has more of it.
    Index i = std::lower_bound(work_before_.begin(), end, before) - work_before_.begin();
    if (i > 0 && before - work_before_[idx(i - 1)] < work_before_[idx(i)] - before) --i;
    return i;
  }

  std::vector<Piece> blocks_, pieces_;
  std::vector<double> work_before_;  // each piece, and at the end that of all
  std::vector<Index> first_;         // of each thread of the team
  std::vector<Counter> next_;
};

}  // namespace chainrule::CHAINRULE_ISA
