// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "cache/evictor.h"
#include "evict/clock_hand.h"

namespace carafe {

/// The hands of a size class, which take chunks away from what was used least:
///
///   probation hand   round the newcomers (slab/probation_bits.h). One that was used joins the main part, another one goes; under the
///                    contested rule it also has to have been seen as often as the main hand's next victim, which goes in its place
///   main hand        round all others, CLOCK with two bits
///   sweep            round all of them, a few at a time, for what the dead have left: the main hand may stand still for long, while
///                    newcomers come and go
///
/// Which one has its turn: the probation hand while the main part holds no more than its share of the class (evict/mode.h). Without
/// newcomers all this is plain CLOCK.
class Hands {
 public:
  Hands(const Engine& engine, const Worker& me, std::uint32_t size_class) noexcept
      : engine_(engine),
        me_(me),
        evictor_(engine, me),
        state_(engine.view.size_class(size_class)),
        size_class_(size_class),
        chunks_(engine.classes.shape(size_class).chunks) {}

  /// Claims a chunk for an item that begins as `standing` says. Each hand looks at kHandVisits items at most; then the coldest of them
  /// goes.
  [[nodiscard]] Claim claim(Standing standing) noexcept;
  /// What claim will look at first is on its way from now on, as far as the hand's place tells.
  void touch_next() const noexcept;

 private:
  static constexpr std::uint32_t kGlances = 8;  // of a sweep: a line of side words

  /// A newcomer that may stay if it outdoes the main hand's victim.
  struct Challenger {
    Chunk chunk;
    std::uint64_t side = 0;
    std::uint32_t seen = 0;  // by the sketch
    explicit operator bool() const noexcept { return side != 0; }
  };
  enum class Verdict : std::uint8_t { kGoes, kStays, kChallenges, kNobody };

  /// Of the class's chunks, how many newcomers have, and the main part, and how many it should have. About.
  struct Shares {
    std::uint64_t probation;
    std::uint64_t in_main;
    std::uint64_t main_wanted;
  };
  [[nodiscard]] Shares shares() const noexcept;
  [[nodiscard]] Claim sweep(Standing standing) noexcept;
  [[nodiscard]] bool is_probations_turn() const noexcept;
  [[nodiscard]] Claim go_round_probation(Standing standing, Challenger& challenger) noexcept;
  [[nodiscard]] Claim search_probation_page_locked(std::uint32_t page, std::uint32_t& index, Challenger& challenger) noexcept;
  [[nodiscard]] Verdict judge(const Chunk& chunk, std::uint64_t side) noexcept;
  [[nodiscard]] Claim go_round_main(Standing standing, const Challenger& challenger, bool& outdone) noexcept;
  [[nodiscard]] Claim settle(const Challenger& challenger, bool outdone, Standing standing) noexcept;
  [[nodiscard]] bool would_lose(const Chunk& chunk, const Challenger& challenger) const noexcept;
  [[nodiscard]] Claim begin_page_locked(const Claim& claim, Standing standing) const noexcept;
  void remember_coldest(const Chunk& chunk) noexcept;

  const Engine& engine_;
  const Worker& me_;
  const Evictor evictor_;
  ClassState& state_;
  const std::uint32_t size_class_;
  const std::uint32_t chunks_;  // a page
  std::uint32_t visits_ = 0;
  Chunk coldest_;
  std::uint32_t coldest_counter_ = 4;
};

}  // namespace carafe
