// SPDX-License-Identifier: MIT
#pragma once

#include "cache/page_mover.h"

namespace carafe {

/// Decides which class should have a page more, and which one less; PageMover moves them. No lock may be held.
class PageShares {
 public:
  PageShares(const Engine& engine, const Worker& me) noexcept : engine_(engine), mover_(engine, me) {}

  /// Called when a hand of `size_class` has left a page. Looks, once a second, for pages that deaths have hidden; and with plain CLOCK takes one
  /// from a class whose evictions are much older.
  void balance(std::uint32_t size_class) const noexcept;
  /// Called every so many evictions (Duel::note_evictions): moves pages from the class that would miss one least to the class that would gain
  /// most by one, as its ghosts tell (cf. Cidon et al., "Cliffhanger", 2016), while they differ by a factor of three. Twice as many each
  /// time it comes to that limit, since then the mix of sizes has shifted, and at most a 32nd of all.
  void share_out() const noexcept;

 private:
  std::uint32_t look_at_benefits() const noexcept;
  [[nodiscard]] bool move_idle(std::uint32_t busiest) const noexcept;
  [[nodiscard]] bool move_by_benefit() const noexcept;

  const Engine& engine_;
  const PageMover mover_;
};

}  // namespace carafe
