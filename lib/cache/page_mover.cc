// SPDX-License-Identifier: MIT
#include "cache/page_mover.h"

#include <algorithm>

#include "base/step.h"
#include "base/time.h"
#include "evict/clock_hand.h"

namespace carafe {

bool PageMover::empty_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept {
  const Slabs& slabs = engine_.slabs;
  const std::uint32_t chunks = engine_.classes.shape(size_class).chunks;
  for (std::uint32_t i = 0; i < chunks; ++i) {  // one that is being written spoils it: see that before anything is evicted
    const std::uint64_t side = slabs.side(page, i).load(kAcquire);
    if (SideWord::state(side) == SideWord::kClaimed && !engine_.liveness.is_claimant_dead(SideWord::claimant(side), me_.id)) return false;
  }
  for (int round = 0; round < 4; ++round) {  // a stripe may be locked just then
    bool empty = true;
    for (std::uint32_t i = 0; i < chunks; ++i) {
      const Chunk chunk = slabs.chunk_at(page, i, size_class);
      if (SideWord::state(slabs.side(chunk).load(kAcquire)) == SideWord::kFree) continue;
      if (const Claim claim = evictor_.try_take(chunk, EvictWhen::kAnyway)) {
        slabs.side(chunk).store(SideWord::free(SideWord::generation(claim.word)), kRelease);
        CARAFE_STEP("move: chunk emptied");
      } else {
        empty = false;
      }
    }
    if (empty) return true;
    spin_pause();
  }
  return false;
}

bool PageMover::move(std::uint32_t page, std::uint32_t from, std::uint32_t to) const noexcept {
  const Slabs& slabs = engine_.slabs;
  if (!slabs.lock_page(page, me_)) return false;
  bool moved = false;
  if (slabs.page_class(page) == from) {
    moved = empty_page_locked(page, from);
    if (moved) {
      slabs.retire_page_locked(page, from);
      CARAFE_STEP("move: page retired");
      slabs.format_page_locked(page, to);
      engine_.slabs.unpool_one();
      if (from != to) {
        engine_.view.size_class(from).moved_out.fetch_add(1, kRelaxed);
        engine_.view.size_class(to).moved_in.fetch_add(1, kRelaxed);
        me_.count(CounterId::k_pages_moved);
      }
    } else {
      // What was emptied is free all the same: let it be found.
      engine_.slabs.rebuild_bitmap_page_locked(page, from);
    }
  }
  slabs.unlock_page(page);
  return moved;
}

bool PageMover::take_unused(std::uint32_t size_class) const noexcept {
  auto& empty_pages = engine_.view.header().empty_pages;
  const std::uint64_t known = empty_pages.load(kRelaxed);
  if (known == 0) return false;
  const auto pages = static_cast<std::uint32_t>(engine_.view.geometry().page_count);
  for (std::uint32_t page = 0; page < pages; ++page) {
    const std::uint32_t found = engine_.slabs.page_class(page);
    if (found == kNoClass || found == size_class) continue;
    if (engine_.view.page_info(page).free_count.load(kRelaxed) < engine_.classes.shape(found).chunks) continue;
    if (move(page, found, size_class)) return true;
  }
  std::uint64_t seen = known;
  empty_pages.compare_exchange_strong(seen, 0, kRelaxed);  // unless another one has turned up
  return false;
}

bool PageMover::take_from(std::uint32_t victim, std::uint32_t size_class) const noexcept {
  const ClockHand hand(engine_.view, victim);
  std::uint32_t page = hand.position().page;  // what the hand would come to next is what has been used least
  for (int i = 0; i < 4; ++i) {
    if (!hand.next_page(page)) return false;
    if (move(page, victim, size_class)) return true;
  }
  return false;
}

/// Looks through some of the index's pages by their side words: tables left behind by deaths are freed, and pages without any go back
/// to the pool. Counts alone do not tell: they are hints.
bool PageMover::reclaim_index_pages(std::uint32_t size_class) const noexcept {
  constexpr std::uint32_t kMostPages = 16;
  const auto pages = static_cast<std::uint32_t>(engine_.view.geometry().page_count);
  std::uint32_t page = engine_.index_cursor.load(kRelaxed) % pages;
  std::uint32_t looked = 0;
  for (std::uint32_t i = 0; i < pages && looked < kMostPages; ++i, page = page + 1 == pages ? 0 : page + 1) {
    const std::uint32_t found = engine_.slabs.page_class(page);
    if (found == kNoClass || !engine_.classes.shape(found).is_index) continue;
    ++looked;
    if (engine_.slabs.lock_page(page, me_)) {
      for (std::uint32_t index = 0; engine_.slabs.page_class(page) == found && index < engine_.classes.shape(found).chunks; ++index) {
        const Chunk chunk = engine_.slabs.chunk_at(page, index, found);
        if (SideWord::state(engine_.slabs.side(chunk).load(kAcquire)) == SideWord::kFree) continue;
        if (const Claim claim = evictor_.try_take(chunk, EvictWhen::kDead)) engine_.slabs.release(claim.chunk, claim.word);
      }
      engine_.slabs.unlock_page(page);
    }
    if (found != size_class) static_cast<void>(engine_.slabs.retire_page_if_empty(page, found, me_));
  }
  engine_.index_cursor.store(page, kRelaxed);
  return engine_.slabs.take_pool_page(size_class, me_);
}

bool PageMover::take_page(std::uint32_t size_class) const noexcept {
  if (take_unused(size_class)) return true;
  engine_.slabs.recount_pages();  // a death may have left pages in the pool that no count tells of
  if (engine_.slabs.take_pool_page(size_class, me_) || reclaim_index_pages(size_class)) return true;
  const std::uint64_t now = now_ms();
  std::uint64_t tried[kMaxClasses / 64] = {};
  for (std::uint32_t attempt = 0; attempt < 8; ++attempt) {  // the oldest class may consist of pages that cannot be emptied now
    std::uint32_t oldest = kNoClass;
    std::uint64_t oldest_age = 0;
    for (std::uint32_t i = 0; i < engine_.classes.item_count(); ++i) {
      if (i == size_class || (tried[i / 64] >> (i % 64) & 1) != 0 || engine_.view.size_class(i).page_count.load(kRelaxed) == 0) continue;
      const std::uint64_t age = ClockHand(engine_.view, i).age_ms(now);
      if (oldest == kNoClass || age > oldest_age) {
        oldest = i;
        oldest_age = age;
      }
    }
    if (oldest == kNoClass) return false;
    tried[oldest / 64] |= std::uint64_t{1} << (oldest % 64);
    if (take_from(oldest, size_class)) return true;
  }
  return false;
}

void PageMover::balance(std::uint32_t size_class) const noexcept {
  // Now and then, whatever the ages say: pages that deaths have hidden, in the pool or under tables of nobody.
  const std::uint64_t now = now_ms();
  std::uint64_t due = engine_.next_recount_ms.load(kRelaxed);
  if (now >= due && engine_.next_recount_ms.compare_exchange_strong(due, now + 1000, kRelaxed)) {
    engine_.slabs.recount_pages();
    if (reclaim_index_pages(size_class)) return;
  }
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
  static_cast<void>(take_from(oldest, size_class));
}

}  // namespace carafe
