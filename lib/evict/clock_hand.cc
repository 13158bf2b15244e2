// SPDX-License-Identifier: MIT
#include "evict/clock_hand.h"

#include <algorithm>

#include "base/time.h"

namespace carafe {

ClockHand::Position ClockHand::position() const noexcept {
  const std::uint64_t word = position_.load(kRelaxed);
  const auto pages = static_cast<std::uint32_t>(view_.geometry().page_count);
  const auto page = static_cast<std::uint32_t>(word >> 32);
  return {page < pages ? page : 0, static_cast<std::uint32_t>(word)};
}

void ClockHand::move_to(Position position) const noexcept {
  position_.store((std::uint64_t{position.page} << 32) | position.chunk, kRelaxed);
}

bool ClockHand::next_page(std::uint32_t& page) const noexcept {
  const auto pages = static_cast<std::uint32_t>(view_.geometry().page_count);
  for (std::uint32_t i = 0; i < pages; ++i) {
    page = page + 1 >= pages ? 0 : page + 1;
    if (view_.page_class(page).load(kRelaxed) == size_class_) return true;
  }
  return false;
}

bool ClockHand::note_page_turn() const noexcept {
  // A page from which nothing was evicted (parts of chains, say) tells nothing about ages.
  const std::uint64_t evictions = state_.evictions.load(kRelaxed);
  if (state_.evictions_at_turn.exchange(evictions, kRelaxed) == evictions) return false;
  state_.page_turns.fetch_add(1, kRelaxed);
  const std::uint64_t now = now_ms();
  const std::uint64_t dwelt = now - std::min(now, state_.page_turned_ms.exchange(now, kRelaxed));
  const std::uint64_t turn = dwelt * std::max<std::uint64_t>(1, state_.page_count.load(kRelaxed));
  const std::uint64_t before = state_.turn_ms.load(kRelaxed);
  state_.turn_ms.store(before == 0 ? turn : (before * 3 + turn) / 4, kRelaxed);
  return true;
}

std::uint64_t ClockHand::age_ms(std::uint64_t now) const noexcept {
  const std::uint64_t dwelt = now - std::min(now, state_.page_turned_ms.load(kRelaxed));
  return std::max(state_.turn_ms.load(kRelaxed), dwelt * std::max<std::uint64_t>(1, state_.page_count.load(kRelaxed)));
}

}  // namespace carafe
