// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/lock_word.h"
#include "layout/shared_layout.h"

namespace carafe {

/// Who owns a chunk: one word per chunk, at the front of its page, never within payload.
///
///   bit 63          40 39    38 37                                0
///       | generation 24 | state  | payload 38                       |
///
///   kFree     payload 0
///   kClaimed  payload {slot 12, incarnation 26}: a worker is filling it, or died doing so
///   kLinked   payload {stripe 18, tag 20}: an item (in index classes: the table of `stripe`)
///   kPart     payload {stripe 18, tag 20}: a later chunk of an item's value
///
/// generation goes up with every claim: offset and generation together name one stored value for ever (compare_and_set), and
/// tell a patient reader that a chunk was not replaced meanwhile.
///
/// Who may change it:  kFree, kClaimed by the dead -> kClaimed: the holder of the page's lock. kClaimed -> others: its owner,
///                     -> kLinked and -> kPart with the stripe's lock. kLinked, kPart -> others: the holder of the stripe's lock.
struct SideWord {
  enum State : std::uint32_t { kFree = 0, kClaimed = 1, kLinked = 2, kPart = 3 };
  static constexpr std::uint32_t kIncarnationMask = (1U << 26) - 1;
  static constexpr std::uint64_t kPayloadMask = (std::uint64_t{1} << 38) - 1;
  static constexpr std::uint32_t kGenerationMask = (1U << 24) - 1;

  static constexpr State state(std::uint64_t word) noexcept { return static_cast<State>((word >> 38) & 3); }
  static constexpr std::uint32_t generation(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 40); }
  static constexpr std::uint64_t free(std::uint32_t generation) noexcept { return std::uint64_t{generation & kGenerationMask} << 40; }
  static constexpr std::uint64_t claimed(std::uint32_t generation, WorkerId id) noexcept {
    return make(generation, kClaimed, (std::uint64_t{id.slot} << 26) | (id.incarnation & kIncarnationMask));
  }
  static constexpr std::uint64_t linked(std::uint32_t generation, std::uint32_t stripe, std::uint32_t tag) noexcept {
    return make(generation, kLinked, (std::uint64_t{stripe} << kTagBits) | tag);
  }
  static constexpr std::uint64_t part(std::uint32_t generation, std::uint32_t stripe, std::uint32_t tag) noexcept {
    return make(generation, kPart, (std::uint64_t{stripe} << kTagBits) | tag);
  }
  static constexpr std::uint32_t stripe(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> kTagBits) & ((1U << kStripeBits) - 1);
  }
  static constexpr std::uint32_t tag(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word) & ((1U << kTagBits) - 1); }
  /// The claimant; its incarnation has its low 26 bits only.
  static constexpr WorkerId claimant(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 26) & 0xfffU, static_cast<std::uint32_t>(word) & kIncarnationMask};
  }

 private:
  static constexpr std::uint64_t make(std::uint32_t generation, State state, std::uint64_t payload) noexcept {
    return (std::uint64_t{generation & kGenerationMask} << 40) | (std::uint64_t{state} << 38) | (payload & kPayloadMask);
  }
};
static_assert(kStripeBits + kTagBits == 38);

}  // namespace carafe
