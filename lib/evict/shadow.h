// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "evict/mode.h"
#include "evict/sketch.h"

namespace carafe {

/// Plays one mode over the sampled keys: a whole cache in little, of fingerprints only (miniature simulation, Waldspurger et al. 2017).
/// All of it is for the holder of the duel's lock. Bounded, and inside its arrays, whatever a death or a scribbler left in them.
class ShadowCache {
 public:
  /// `slots`: the sample's share of the segment's chunks, 1 to kShadowSlots.
  ShadowCache(Shadow& shadow, const Mode& mode, const Sketch& sketch, std::uint32_t slots) noexcept
      : shadow_(shadow), mode_(mode), sketch_(sketch), slots_(slots) {}

  /// Empties it; the score stays.
  static void clear(Shadow& shadow) noexcept;
  /// A request for the key: whether this mode would have had it. If not, it has it now.
  bool access(KeyId id) const noexcept;

 private:
  static constexpr std::uint8_t kCounter = 3;
  static constexpr std::uint8_t kProbation = 4;
  static constexpr std::uint8_t kYoung = 8;

  [[nodiscard]] std::uint32_t find(KeyId id) const noexcept;
  void unlink(std::uint32_t slot) const noexcept;
  [[nodiscard]] std::uint32_t reclaim() const noexcept;
  [[nodiscard]] std::uint32_t hands_victim() const noexcept;
  [[nodiscard]] std::uint32_t next_on_probation() const noexcept;
  void end_probation(std::uint32_t slot) const noexcept;
  void advance(std::uint32_t& hand) const noexcept { hand = hand + 1 < slots_ ? hand + 1 : 0; }
  [[nodiscard]] std::uint64_t& ghost_word(KeyId id) const noexcept {
    const std::uint64_t words = 1 + slots_ * std::uint64_t{kShadowGhostWords - 1} / kShadowSlots;
    return shadow_.ghosts[((id.spread() >> 32) * words) >> 32];
  }

  Shadow& shadow_;
  const Mode& mode_;
  const Sketch& sketch_;
  const std::uint32_t slots_;
};

}  // namespace carafe
