// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): counter and key in, four random words out.
//
// The same streams as chainrule.maths.random: counter = (block, purpose * 2^16 + layer, step low,
// step high), key = seed. Nothing is remembered between calls.
#pragma once

#include "simd.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace chainrule::CHAINRULE_ISA {

enum class Purpose : std::uint32_t { kInitialize = 0, kShuffle = 1, kDropout = 2 };

struct Stream {
  std::uint64_t seed;
  Purpose purpose;
  std::uint32_t layer;
  std::uint64_t step;

  std::array<std::uint32_t, 4> block(std::uint32_t number) const {
    std::uint32_t c0 = number;
    std::uint32_t c1 = (static_cast<std::uint32_t>(purpose) << 16) + layer;
    std::uint32_t c2 = static_cast<std::uint32_t>(step);
    std::uint32_t c3 = static_cast<std::uint32_t>(step >> 32);
    std::uint32_t k0 = static_cast<std::uint32_t>(seed);
    std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
      c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<std::uint32_t>(p1);
      c3 = static_cast<std::uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
  }
};

// The order of n examples in an epoch: sorted by a 64-bit word each (words 2i and 2i+1 of the
// stream, the low one first), equal words by index. Since the words are uniform, one pass into
// buckets by their leading bits leaves almost nothing to sort.
class Shuffle {
 public:
  void resize(std::size_t n) {
    keys_.resize(n);
    sorted_.resize(n);
    bits_ = 1;
    while ((std::size_t{1} << bits_) < n && bits_ < 20) ++bits_;
    starts_.resize((std::size_t{1} << bits_) + 1);
  }

  template <class I> void fill(I* order, std::uint64_t seed, std::uint64_t epoch) {
    const std::size_t n = keys_.size();
    const Stream stream{seed, Purpose::kShuffle, 0, epoch};
    for (std::size_t i = 0; i < n; i += 2) {
      const auto w = stream.block(static_cast<std::uint32_t>(i / 2));
      keys_[i] = w[0] | std::uint64_t{w[1]} << 32;
      if (i + 1 < n) keys_[i + 1] = w[2] | std::uint64_t{w[3]} << 32;
    }
    std::fill(starts_.begin(), starts_.end(), 0u);
    for (const auto key : keys_) ++starts_[bucket(key) + 1];
    for (std::size_t b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
    for (std::size_t i = 0; i < n; ++i)
      sorted_[starts_[bucket(keys_[i])]++] = {keys_[i], static_cast<std::uint64_t>(i)};
    // Insertion: an element has to pass only the few of its own bucket. Stable, so ties by index.
    for (std::size_t i = 1; i < n; ++i) {
      const auto entry = sorted_[i];
      std::size_t j = i;
      for (; j > 0 && entry.first < sorted_[j - 1].first; --j) sorted_[j] = sorted_[j - 1];
      sorted_[j] = entry;
    }
    for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<I>(sorted_[i].second);
  }

 private:
  std::size_t bucket(std::uint64_t key) const {
    return static_cast<std::size_t>(key >> (64 - bits_));
  }

  int bits_ = 1;
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> starts_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sorted_;
};

// A part of what a row of a layer's activations is multiplied by under dropout: 0 or 1/(1-p), for
// n nodes from `at` (a multiple of 4) on. Row r has the words from 4 r ceil(width/4) on; a node
// stays where its word is at least p 2^32, rounded to a whole number below 2^32.
template <class T>
void dropout_part(T* mask, std::ptrdiff_t at, std::ptrdiff_t n, std::ptrdiff_t width,
                  std::size_t row, double p, const Stream& stream) {
  const auto threshold = std::min<std::uint64_t>(
      static_cast<std::uint64_t>(std::nearbyint(p * 4294967296.0)), 0xFFFFFFFFu);
  const T kept = static_cast<T>(1.0 / (1.0 - p));
  const std::size_t blocks = (static_cast<std::size_t>(width) + 3) / 4;
  for (std::ptrdiff_t i = 0; i < n; i += 4) {
    const auto w = stream.block(
        static_cast<std::uint32_t>(row * blocks + static_cast<std::size_t>(at + i) / 4));
    for (std::ptrdiff_t j = 0; j < 4 && i + j < n; ++j)
      mask[i + j] = w[static_cast<std::size_t>(j)] >= threshold ? kept : T(0);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
