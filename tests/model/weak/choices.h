// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>
#include <cstddef>
#include <vector>

namespace carafe::weak {

/// Depth-first search without storing states: an execution is the sequence of its choices; the next one takes the last choice that has
/// an alternative left otherwise, and everything before it the same.
class Choices {
 public:
  /// One of `alternatives`, the first one when this place is new.
  std::size_t choose(std::size_t alternatives) {
    assert(alternatives > 0);
    if (alternatives == 1) return 0;
    if (at_ == taken_.size()) taken_.push_back({0, alternatives});
    assert(taken_[at_].alternatives == alternatives && "an execution must depend on its choices alone");
    return taken_[at_++].number;
  }
  void rewind() noexcept { at_ = 0; }
  /// Goes on to the next execution; false when there is none.
  [[nodiscard]] bool advance() {
    taken_.resize(at_);
    while (!taken_.empty() && taken_.back().number + 1 == taken_.back().alternatives) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().number;
    at_ = 0;
    return true;
  }

 private:
  struct Choice {
    std::size_t number;
    std::size_t alternatives;
  };
  std::vector<Choice> taken_;
  std::size_t at_ = 0;
};

}  // namespace carafe::weak
