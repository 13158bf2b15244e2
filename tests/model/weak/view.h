// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace carafe::weak {

/// A place in the modification order of one location: stores are put in between others, so it is no count.
using Time = std::uint64_t;

/// For each location (by number) the store before which nothing may be read any more. What happens-before means, as a vector.
class View {
 public:
  [[nodiscard]] Time operator[](std::size_t location) const noexcept { return location < times_.size() ? times_[location] : 0; }
  void raise(std::size_t location, Time to) {
    if (location >= times_.size()) times_.resize(location + 1, 0);
    times_[location] = std::max(times_[location], to);
  }
  void join(const View& other) {
    if (other.times_.size() > times_.size()) times_.resize(other.times_.size(), 0);
    for (std::size_t i = 0; i < other.times_.size(); ++i) times_[i] = std::max(times_[i], other.times_[i]);
  }
  [[nodiscard]] bool is_within(const View& other) const noexcept {
    for (std::size_t i = 0; i < times_.size(); ++i)
      if (times_[i] > other[i]) return false;
    return true;
  }
  void clear() noexcept { times_.clear(); }

 private:
  std::vector<Time> times_;
};

}  // namespace carafe::weak
