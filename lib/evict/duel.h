// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "evict/ghosts.h"
#include "evict/mode.h"
#include "evict/sketch.h"
#include "segment/view.h"
#include "workers/worker.h"

namespace carafe {

/// Which of four CLOCKs plays: each has a shadow cache that sees one key in R, and the one whose shadow hits most is played with all keys (set
/// duelling, Qureshi et al. 2007; here of keys, since the cache is not set-associative). Every fixed policy has a workload that ruins it;
/// the best of four on a small sample is never far from the best of four.
///
/// R is the largest power of two that leaves each shadow at least 512 keys, so the cost of a hit is a comparison, and a shadow's step
/// for one key in R: about 0.1 us in the smallest segment (R = 8), nothing in a large one.
class Duel {
 public:
  explicit Duel(const View& view) noexcept : view_(view), state_(view.duel()) {}

  /// A request for the key, hit or miss. What a get adds to its path is the comparison: the shadows hear of one key in R.
  void note_request(std::uint32_t stripe, std::uint32_t tag, const Worker& me) const noexcept {
    if (((tag + 1) & view_.header().sample_mask.load(kRelaxed)) == 0) feed(KeyId::of(stripe, tag), me);
  }

  /// Off: Options::eviction is kClock.
  [[nodiscard]] bool is_on() const noexcept { return view_.geometry().ghost_words != 0; }
  [[nodiscard]] const Mode& mode() const noexcept { return kModeTable[state_.mode.load(kRelaxed) % kModes]; }
  [[nodiscard]] bool is_plain() const noexcept { return mode().probation_permille == 0; }
  [[nodiscard]] Ghosts ghosts() const noexcept {
    return {view_.ghosts(), std::min<std::uint64_t>(state_.ghost_words.load(kRelaxed), view_.geometry().ghost_words)};
  }
  [[nodiscard]] Sketch sketch() const noexcept {
    return {view_.sketch(), view_.geometry().sketch_words, state_.sketch_cursor, state_.chunks.load(kRelaxed)};
  }

  void note_ghost_hit() const noexcept { state_.ghost_hits.fetch_add(1, kRelaxed); }
  /// Says how many chunks there are for items, now or when the segment will be full: from it follow R, and how many ghosts are kept.
  void resize(std::uint64_t chunks, const Worker& me) const noexcept;
  /// Of the sample's requests, which share each shadow had lately; 0 for a while after the sample changed.
  [[nodiscard]] double shadow_hit_ratio(std::uint32_t mode) const noexcept;

  /// Counts some evictions; true when it is time to look at how pages are shared out: every eighth of the chunks.
  [[nodiscard]] bool note_evictions(std::uint32_t count) const noexcept;

 private:
  /// Passed over while somebody else is at it.
  void feed(KeyId id, Worker me) const noexcept;
  [[nodiscard]] bool lock(KeyId id, const Worker& me) const noexcept;
  void compare() const noexcept;
  [[nodiscard]] std::uint64_t score(std::uint32_t mode) const noexcept { return state_.shadows[mode].score.load(kRelaxed); }

  const View& view_;
  DuelState& state_;
};

}  // namespace carafe
