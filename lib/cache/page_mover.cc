// SPDX-License-Identifier: MIT
#include "cache/page_mover.h"

#include <algorithm>

#include "base/step.h"
#include "base/time.h"
#include "cache/duel_size.h"
#include "evict/clock_hand.h"

namespace carafe {
namespace {

constexpr std::uint32_t kSampledChunks = 32;

}  // namespace

/// Whether somebody alive is writing the chunk with this side word, or has its stripe locked and does not let go of it soon.
bool PageMover::is_in_use(std::uint64_t side) const noexcept {
  constexpr int kPauses = 40;
  switch (SideWord::state(side)) {
    case SideWord::kFree:
      return false;
    case SideWord::kClaimed:
      return !engine_.liveness.is_claimant_dead(SideWord::claimant(side), me_.id);
    case SideWord::kLinked:
    case SideWord::kPart:
      break;
  }
  const std::uint32_t stripe = SideWord::stripe(side);
  if (stripe >= engine_.view.geometry().stripe_count) return false;
  const auto& lock = engine_.view.stripe(stripe).lock;
  for (int i = 0; i < kPauses && lock.load(kRelaxed) != LockWord::kFree; ++i) spin_pause();
  const std::uint64_t owner = lock.load(kRelaxed);
  return owner != LockWord::kFree && !engine_.liveness.is_dead(LockWord::owner(owner), me_.id);
}

bool PageMover::empty_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept {
  const Slabs& slabs = engine_.slabs;
  const std::uint32_t chunks = engine_.classes.shape(size_class).chunks;
  for (std::uint32_t i = 0; i < chunks; ++i)  // one that is in use spoils it: see that before anything is evicted
    if (is_in_use(slabs.side(page, i).load(kAcquire))) return false;
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
  if (moved && from != to) size_duel(engine_, me_);
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

/// Of a sample of the page's chunks, how many hold something that was used lately.
std::uint32_t PageMover::count_used(std::uint32_t page, std::uint32_t size_class, bool age) const noexcept {
  const std::uint32_t chunks = engine_.classes.shape(size_class).chunks;
  const std::uint32_t step = std::max(1U, chunks / kSampledChunks);
  std::uint32_t used = 0;
  for (std::uint32_t index = 0; index < chunks; index += step) {
    const Chunk chunk = engine_.slabs.chunk_at(page, index, size_class);
    const std::uint32_t counter = evictor_.peek_counter(chunk);
    if (counter == 0 || counter > Entry::kCounterMask) continue;
    ++used;
    if (age) evictor_.lower_counter(chunk);
  }
  return used;
}

/// Of four pages after the main hand the one that is used least: what the hand would come to next has not been used for longest.
bool PageMover::take_from(std::uint32_t victim, std::uint32_t size_class, Reason reason) const noexcept {
  const ClockHand hand(engine_.view, victim);
  std::uint32_t page = hand.position().page;
  std::uint32_t best = page;
  std::uint32_t least = ~0U;
  for (int i = 0; i < 4; ++i) {
    if (!hand.next_page(page)) return false;
    const std::uint32_t used = count_used(page, victim, false);
    if (used >= least) continue;
    least = used;
    best = page;
  }
  if (reason == Reason::kIdle && least > std::min(kSampledChunks, engine_.classes.shape(victim).chunks) / 8) {
    count_used(best, victim, true);  // no hand ages what is in a class without evictions: whoever asks does
    return false;
  }
  if (move(best, victim, size_class)) return true;
  if (reason == Reason::kIdle) return false;
  // Somebody is at work there, and may be stopped. That spoils each page in which an item of his stripe lies, but hardly all of them.
  constexpr int kMostTries = 64;
  for (int i = 0; i < kMostTries; ++i) {
    if (!hand.next_page(page) || page == best) return false;
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
    if (take_from(oldest, size_class, Reason::kNeed)) return true;
  }
  return false;
}

}  // namespace carafe
