// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "all.h"

namespace carafe::replay {

/// How often keys were seen lately, about: count-min, four rows of counters up to 15, halved after ten additions for each item that fits.
class FrequencySketch {
 public:
  explicit FrequencySketch(const Room& room)
      : items_(std::clamp<std::uint64_t>(room.capacity, 64, std::max<std::uint64_t>(64, room.objects))),
        columns_(4 * std::bit_ceil(items_)),
        period_(10 * items_),
        counters_(columns_ * kRows) {}

  void add(KeyId key) {
    bool added = false;
    const std::uint8_t least = estimate(key);
    for (std::size_t row = 0; row < kRows; ++row) {
      std::uint8_t& counter = counters_[place(row, key)];
      if (counter == least && counter < 15) {
        ++counter;
        added = true;
      }
    }
    if (added && ++additions_ >= period_) halve();
  }
  [[nodiscard]] std::uint8_t estimate(KeyId key) const noexcept {
    std::uint8_t least = 15;
    for (std::size_t row = 0; row < kRows; ++row) least = std::min(least, counters_[place(row, key)]);
    return least;
  }
  /// Requests from one look at the hit ratio to the next; also additions from one halving to the next.
  [[nodiscard]] std::uint64_t period() const noexcept { return period_; }

 private:
  static constexpr std::size_t kRows = 4;
  static constexpr std::array<std::uint64_t, kRows> kSeeds = {0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9,
                                                              0xd6e8feb86659fd93};

  [[nodiscard]] std::size_t place(std::size_t row, KeyId key) const noexcept {
    const std::uint64_t mixed = (key + 1) * kSeeds[row];
    return row * columns_ + ((mixed ^ mixed >> 29) * kSeeds[kRows - 1 - row] >> 32 & (columns_ - 1));
  }
  void halve() {
    for (std::uint8_t& counter : counters_) counter >>= 1;
    additions_ /= 2;
  }

  std::uint64_t items_;  // that fit; where room is bytes, at most the keys there are
  std::size_t columns_;
  std::uint64_t period_;
  std::uint64_t additions_ = 0;
  std::vector<std::uint8_t> counters_;
};

}  // namespace carafe::replay
