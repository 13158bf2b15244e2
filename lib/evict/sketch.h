// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/atomic.h"
#include "base/touch.h"
#include "evict/key_id.h"

namespace carafe {

/// How often keys were seen: a count-min sketch (Cormode and Muthukrishnan 2005) of 4-bit counters, four rows, halved little by little so that old
/// use fades (TinyLFU, Einziger et al. 2017). All four counters of a key lie in one line, as in Caffeine's, so that a key costs one miss of
/// memory and not four:
///
///   line: | row 0: 2 words, 32 counters | row 1 | row 2 | row 3 |
///
/// Racy: lost counts do not matter. Counts misses and the hands' steps, not hits.
class Sketch {
 public:
  static constexpr std::uint32_t kRows = 4;
  static constexpr std::uint32_t kMost = 15;
  static constexpr std::uint32_t kLineWords = 8;

  /// `words` counters' words, at the start of a line, a multiple of kLineWords; `items`: about how many keys compete, which is how fast it forgets.
  Sketch(Atomic<std::uint64_t>* words, std::uint64_t word_count, Atomic<std::uint64_t>& cursor, std::uint64_t items) noexcept
      : words_(words), lines_(word_count / kLineWords), cursor_(cursor), items_(items) {}

  void add(KeyId id, std::uint32_t times = 1) const noexcept {
    if (lines_ == 0 || times == 0) return;
    const Line line = find(id);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const Place place = line.place(row);
      const std::uint64_t seen = place.word->load(kRelaxed);
      const std::uint64_t raised = std::min<std::uint64_t>(((seen >> place.shift) & kMost) + times, kMost);
      place.word->store((seen & ~(std::uint64_t{kMost} << place.shift)) | (raised << place.shift), kRelaxed);
    }
    // One key in so many speaks for all: one step of a counter that all share, for each, would be a line that wanders from core to core.
    constexpr std::uint32_t kSpeaksFor = 16;
    if ((id.spread() >> 20) % kSpeaksFor == 0) fade(times * kSpeaksFor);
  }
  /// The key's line: it will be needed soon.
  void touch(KeyId id) const noexcept {
    if (lines_ != 0) carafe::touch(find(id).words);
  }
  [[nodiscard]] std::uint32_t estimate(KeyId id) const noexcept {
    if (lines_ == 0) return 0;
    std::uint64_t least = kMost;
    const Line line = find(id);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const Place place = line.place(row);
      least = std::min(least, (place.word->load(kRelaxed) >> place.shift) & kMost);
    }
    return static_cast<std::uint32_t>(least);
  }

 private:
  struct Place {
    Atomic<std::uint64_t>* word;
    std::uint32_t shift;
  };
  struct Line {
    Atomic<std::uint64_t>* words;
    std::uint32_t bits;  // five for each row

    [[nodiscard]] Place place(std::uint32_t row) const noexcept {
      const std::uint32_t counter = (bits >> (5 * row)) & 31;
      return {&words[2 * row + counter / 16], counter % 16 * 4};
    }
  };
  [[nodiscard]] Line find(KeyId id) const noexcept {
    const std::uint64_t spread = id.spread();
    const std::uint64_t mixed = (spread ^ (spread >> 29)) * 0xbf58476d1ce4e5b9ULL;
    return {&words_[((mixed >> 32) * lines_ >> 32) * kLineWords],
            static_cast<std::uint32_t>((mixed ^ (mixed >> 31)) * 0x94d049bb133111ebULL >> 44)};
  }
  /// Halves a word now and then, so that every counter is halved about once in ten additions a key. Nobody ever pays for a whole sweep.
  void fade(std::uint32_t times) const noexcept {
    const std::uint64_t words = lines_ * kLineWords;
    const auto every = static_cast<std::uint32_t>(std::bit_width(10 * items_ / words | 1)) - 1;  // a power of two, so nothing is divided
    const std::uint64_t before = cursor_.fetch_add(times, kRelaxed);
    // By the low bits alone, so that it is few words whatever the cursor says.
    const std::uint64_t due = ((before & ((std::uint64_t{1} << every) - 1)) + times) >> every;
    for (std::uint64_t i = 0; i < due; ++i) {
      Atomic<std::uint64_t>& word = words_[((before >> every) + i) % words];
      word.store((word.load(kRelaxed) >> 1) & 0x7777777777777777ULL, kRelaxed);
    }
  }

  Atomic<std::uint64_t>* words_;
  std::uint64_t lines_;
  Atomic<std::uint64_t>& cursor_;
  std::uint64_t items_;
};

}  // namespace carafe
