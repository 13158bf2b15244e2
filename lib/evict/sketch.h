// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/atomic.h"
#include "evict/key_id.h"

namespace carafe {

/// How often keys were seen: a count-min sketch (Cormode and Muthukrishnan 2005) of 4-bit counters, four rows, halved little by little so that old
/// use fades (TinyLFU, Einziger et al. 2017). 16 counters to a word; each row has a quarter of the words. Racy: lost counts do not
/// matter. Counts misses and the hands' steps, not hits.
class Sketch {
 public:
  static constexpr std::uint32_t kRows = 4;
  static constexpr std::uint32_t kMost = 15;

  /// `words` counters' words, at least 4; `items`: about how many keys compete, which is how fast it forgets.
  Sketch(Atomic<std::uint64_t>* words, std::uint64_t word_count, Atomic<std::uint64_t>& cursor, std::uint64_t items) noexcept
      : words_(words), row_words_(word_count / kRows), cursor_(cursor), items_(items) {}

  void add(KeyId id, std::uint32_t times = 1) const noexcept {
    if (row_words_ == 0 || times == 0) return;
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const Place place = find(id, row);
      const std::uint64_t seen = place.word->load(kRelaxed);
      const std::uint64_t raised = std::min<std::uint64_t>(((seen >> place.shift) & kMost) + times, kMost);
      place.word->store((seen & ~(std::uint64_t{kMost} << place.shift)) | (raised << place.shift), kRelaxed);
    }
    // One key in so many speaks for all: one step of a counter that all share, for each, would be a line that wanders from core to core.
    constexpr std::uint32_t kSpeaksFor = 16;
    if ((id.spread() >> 20) % kSpeaksFor == 0) fade(times * kSpeaksFor);
  }
  [[nodiscard]] std::uint32_t estimate(KeyId id) const noexcept {
    if (row_words_ == 0) return 0;
    std::uint64_t least = kMost;
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const Place place = find(id, row);
      least = std::min(least, (place.word->load(kRelaxed) >> place.shift) & kMost);
    }
    return static_cast<std::uint32_t>(least);
  }

 private:
  struct Place {
    Atomic<std::uint64_t>* word;
    std::uint32_t shift;
  };
  [[nodiscard]] Place find(KeyId id, std::uint32_t row) const noexcept {
    constexpr std::uint64_t kOdd[kRows] = {0x9e3779b97f4a7c15ULL, 0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL, 0xd6e8feb86659fd93ULL};
    const std::uint64_t spread = id.spread();
    const std::uint64_t mixed = (spread ^ (spread >> 29)) * kOdd[row];
    const std::uint64_t counter = ((mixed >> 32) * (row_words_ * 16)) >> 32;
    return {&words_[row * row_words_ + counter / 16], static_cast<std::uint32_t>(counter % 16) * 4};
  }
  /// Halves a word now and then, so that every counter is halved about once in ten additions a key. Nobody ever pays for a whole sweep.
  void fade(std::uint32_t times) const noexcept {
    const std::uint64_t words = row_words_ * kRows;
    const auto every = static_cast<std::uint32_t>(std::bit_width(10 * items_ / words | 1)) - 1;  // a power of two, so nothing is divided
    const std::uint64_t before = cursor_.fetch_add(times, kRelaxed);
    for (std::uint64_t step = before >> every, end = (before + times) >> every; step != end; ++step) {
      Atomic<std::uint64_t>& word = words_[step % words];
      word.store((word.load(kRelaxed) >> 1) & 0x7777777777777777ULL, kRelaxed);
    }
  }

  Atomic<std::uint64_t>* words_;
  std::uint64_t row_words_;
  Atomic<std::uint64_t>& cursor_;
  std::uint64_t items_;
};

}  // namespace carafe
