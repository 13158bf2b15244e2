// SPDX-License-Identifier: MIT
#include "cache/page_shares.h"

#include <algorithm>

#include "base/time.h"
#include "evict/clock_hand.h"

namespace carafe {
namespace {

constexpr std::uint64_t kLeastBenefit = std::uint64_t{1} << 16;  // one hit an interval

}  // namespace

/// The benefit of one more page for each class: the share of what it evicted that came back, times the ghosts that a page's chunks make. In
/// hits an interval, times 2^16, smoothed.
std::uint32_t PageShares::look_at_benefits() const noexcept {
  std::uint32_t busiest = kNoClass;
  std::uint64_t most = 0;
  std::uint64_t evicted = 0;
  std::uint64_t evictions[kMaxClasses];
  for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
    ClassState& state = engine_.view.size_class(i);
    const std::uint64_t total = state.evictions.load(kRelaxed);
    evictions[i] = total - std::min(total, state.evictions_at_look.exchange(total, kRelaxed));
    evicted += evictions[i];
  }
  const std::uint64_t ghosts = std::max<std::uint64_t>(1, engine_.view.duel().chunks.load(kRelaxed));
  for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
    ClassState& state = engine_.view.size_class(i);
    const auto total = static_cast<std::uint32_t>(state.ghost_hits.load(kRelaxed));
    const std::uint32_t hits = total - state.ghost_hits_at_look.exchange(total, kRelaxed);
    const std::uint64_t now = evictions[i] == 0 ? 0
                                                : (std::min<std::uint64_t>(hits, evictions[i]) << 16) / evictions[i] *
                                                      engine_.classes.shape(i).chunks * evicted / ghosts;
    const bool idle = evictions[i] == 0 && state.admitted.exchange(0, kRelaxed) == 0;
    state.idle_looks.store(idle ? state.idle_looks.load(kRelaxed) + 1 : 0, kRelaxed);
    if (evictions[i] > most) {
      most = evictions[i];
      busiest = i;
    }
    state.benefit.store((state.benefit.load(kRelaxed) * 7 + now * 3) / 10, kRelaxed);
  }
  return busiest;
}

bool PageShares::move_by_benefit() const noexcept {
  constexpr std::uint64_t kRatio = 3;
  std::uint32_t neediest = kNoClass;
  std::uint32_t richest = kNoClass;
  const auto benefit = [this](std::uint32_t i) { return engine_.view.size_class(i).benefit.load(kRelaxed); };
  for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
    const std::uint32_t pages = engine_.view.size_class(i).page_count.load(kRelaxed);
    if (pages == 0) continue;
    if (neediest == kNoClass || benefit(i) > benefit(neediest)) neediest = i;
    if (pages > 1 && (richest == kNoClass || benefit(i) < benefit(richest))) richest = i;
  }
  if (neediest == kNoClass || richest == kNoClass || neediest == richest) return false;
  if (benefit(neediest) <= kRatio * benefit(richest) || benefit(neediest) < kLeastBenefit) return false;
  if (!mover_.take_from(richest, neediest, PageMover::Reason::kNeed)) return false;
  // A page more is worth less the next time.
  auto& known = engine_.view.size_class(neediest).benefit;
  const std::uint64_t pages = engine_.view.size_class(neediest).page_count.load(kRelaxed);
  known.store(known.load(kRelaxed) * pages / (pages + 1), kRelaxed);
  return true;
}

/// New sizes whose keys never came back have no benefit; yet what nobody has stored or read for as long as it takes to evict everything once is
/// worth less.
bool PageShares::move_idle(std::uint32_t busiest) const noexcept {
  constexpr std::uint32_t kLooks = 8;  // a look is an eighth of all chunks' evictions
  if (busiest == kNoClass) return false;
  for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
    const ClassState& state = engine_.view.size_class(i);
    if (i == busiest || state.idle_looks.load(kRelaxed) < kLooks || state.page_count.load(kRelaxed) == 0) continue;
    if (mover_.take_from(i, busiest, PageMover::Reason::kIdle)) return true;
  }
  return false;
}

void PageShares::share_out() const noexcept {
  DuelState& duel = engine_.view.duel();
  const std::uint32_t busiest = look_at_benefits();
  const auto most = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, engine_.view.geometry().page_count / 32));
  const std::uint32_t allowance = std::clamp<std::uint32_t>(duel.allowance.load(kRelaxed), 1, most);
  std::uint32_t moved = 0;
  while (moved < allowance && (move_by_benefit() || move_idle(busiest))) ++moved;
  duel.allowance.store(moved == allowance ? std::min(2 * allowance, most) : 1, kRelaxed);
}

void PageShares::balance(std::uint32_t size_class) const noexcept {
  // Now and then, whatever the ages say: pages that deaths have hidden, in the pool or under tables of nobody.
  const std::uint64_t now = now_ms();
  std::uint64_t due = engine_.next_recount_ms.load(kRelaxed);
  if (now >= due && engine_.next_recount_ms.compare_exchange_strong(due, now + 1000, kRelaxed)) {
    engine_.slabs.recount_pages();
    if (mover_.reclaim_index_pages(size_class)) return;
  }
  if (engine_.duel.is_on()) return;  // share_out knows better
  // A quarter of its pages a turn at most: a class in need still grows exponentially, and noise moves little.
  constexpr std::uint32_t kPageTurnsBetween = 4;
  auto& page_turns = engine_.view.size_class(size_class).page_turns;
  if (page_turns.load(kRelaxed) < kPageTurnsBetween) return;
  const std::uint64_t own_age = ClockHand(engine_.view, size_class).age_ms(now);
  std::uint32_t oldest = kNoClass;
  std::uint64_t oldest_age = own_age * 2 + 16;  // a few ticks of the clock at least
  for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
    if (i == size_class || engine_.view.size_class(i).page_count.load(kRelaxed) == 0) continue;
    const std::uint64_t age = ClockHand(engine_.view, i).age_ms(now);
    if (age > oldest_age) {
      oldest = i;
      oldest_age = age;
    }
  }
  if (oldest == kNoClass) return;
  page_turns.store(0, kRelaxed);
  static_cast<void>(mover_.take_from(oldest, size_class, PageMover::Reason::kNeed));
}

}  // namespace carafe
