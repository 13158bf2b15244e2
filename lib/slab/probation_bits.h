// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include "base/atomic.h"

namespace carafe {

/// Which chunks of a page hold newcomers on probation: two bitmaps at the front of the page, `probation` and `young`. They are the queue: the
/// probation hand goes round them in address order, as fast as 64 chunks a word, and a chunk whose young bit is still set it only makes
/// a little older. So each newcomer is judged after one to two turns, in about the order of arrival, and nothing has to be linked: a
/// queue of chunk numbers (2Q's, S3-FIFO's) would cost a byte a chunk, and lose what a death drops out of it.
///
/// Written with the page's lock only, as the class of the page could change otherwise and the bits be somebody's value.
class ProbationBits {
 public:
  ProbationBits(Atomic<std::uint64_t>* words, std::uint32_t word_count) noexcept : words_(words), word_count_(word_count) {}

  [[nodiscard]] std::uint32_t word_count() const noexcept { return word_count_; }
  [[nodiscard]] Atomic<std::uint64_t>& probation(std::uint32_t word) const noexcept { return words_[word]; }
  [[nodiscard]] Atomic<std::uint64_t>& young(std::uint32_t word) const noexcept { return words_[word_count_ + word]; }

  [[nodiscard]] bool is_set(std::uint32_t index) const noexcept { return (probation(index / 64).load(kRelaxed) & bit(index)) != 0; }
  [[nodiscard]] std::uint32_t count() const noexcept {
    std::uint32_t all = 0;
    for (std::uint32_t i = 0; i < word_count_; ++i) all += static_cast<std::uint32_t>(std::popcount(probation(i).load(kRelaxed)));
    return all;
  }
  [[nodiscard]] bool is_any_set() const noexcept {
    for (std::uint32_t i = 0; i < word_count_; ++i)
      if (probation(i).load(kRelaxed) != 0) return true;
    return false;
  }
  /// Young again, if it was here before. False when it was.
  bool begin(std::uint32_t index) const noexcept {
    const bool is_new = !is_set(index);
    put(probation(index / 64), bit(index), true);
    put(young(index / 64), bit(index), true);
    return is_new;
  }
  /// False when it was not on probation.
  bool end(std::uint32_t index) const noexcept {
    if (!is_set(index)) return false;
    put(probation(index / 64), bit(index), false);
    put(young(index / 64), bit(index), false);
    return true;
  }
  void clear() const noexcept {
    for (std::uint32_t i = 0; i < 2 * word_count_; ++i) words_[i].store(0, kRelaxed);
  }

 private:
  static constexpr std::uint64_t bit(std::uint32_t index) noexcept { return std::uint64_t{1} << (index % 64); }
  static void put(Atomic<std::uint64_t>& word, std::uint64_t bit, bool on) noexcept {
    const std::uint64_t seen = word.load(kRelaxed);
    word.store(on ? seen | bit : seen & ~bit, kRelaxed);
  }

  Atomic<std::uint64_t>* words_;
  std::uint32_t word_count_;
};

}  // namespace carafe
