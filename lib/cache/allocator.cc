// SPDX-License-Identifier: MIT
#include "cache/allocator.h"

#include <algorithm>

#include "cache/duel_size.h"
#include "cache/hands.h"
#include "cache/items.h"
#include "cache/page_mover.h"
#include "expiry/ttl.h"

namespace carafe {

Claim Allocator::claim(std::uint32_t size_class, Standing standing) const noexcept {
  if (Claim hinted = engine_.slabs.claim_hinted(size_class, standing, me_)) return hinted;
  for (int round = 0; round < 3; ++round) {
    if (Claim free = engine_.slabs.claim_free(size_class, standing, me_)) return free;
    if (engine_.slabs.take_pool_page(size_class, me_)) {
      size_duel(engine_, me_);
      continue;
    }
    if (Claim outdated = claim_outdated(size_class, standing)) return outdated;
    if (Claim expired = claim_expired(size_class, standing)) return expired;
    if (!engine_.classes.shape(size_class).is_index)
      if (Claim evicted = Hands(engine_, me_, size_class).claim(standing)) return evicted;
    if (!PageMover(engine_, me_).take_page(size_class)) break;
  }
  if (Claim free = engine_.slabs.claim_free(size_class, standing, me_)) return free;
  return Hands(engine_, me_, size_class).claim(standing);
}

Claim Allocator::claim_spare(std::uint32_t size_class) const noexcept {
  if (Claim free = engine_.slabs.claim_free(size_class, Standing::kMain, me_)) return free;
  return engine_.slabs.take_pool_page(size_class, me_) ? engine_.slabs.claim_free(size_class, Standing::kMain, me_) : Claim{};
}

void Allocator::touch_ahead(std::uint32_t size_class) const noexcept {
  const ClassState& state = engine_.view.size_class(size_class);
  if (state.unseen_free.load(kRelaxed) == 0 && engine_.view.header().free_pages.load(kRelaxed) == 0 && !engine_.slabs.has_hint(size_class))
    Hands(engine_, me_, size_class).touch_next();
}

void Allocator::give_back(const Claim& claim) const noexcept {
  if (claim) engine_.slabs.release(claim.chunk, claim.word);
}

Claim Allocator::claim_outdated(std::uint32_t size_class, Standing standing) const noexcept {
  SegmentHeader& header = engine_.view.header();
  const std::uint32_t epoch = engine_.epoch();
  const std::uint64_t pages = engine_.view.geometry().page_count;
  std::uint32_t seen = header.outdated_epoch.load(kRelaxed);
  if (static_cast<std::int32_t>(epoch - seen) < 0) return {};  // cleared again since we looked
  if (seen != epoch && header.outdated_epoch.compare_exchange_strong(seen, epoch, kRelaxed)) header.outdated_cursor.store(0, kRelaxed);
  while (header.outdated_cursor.load(kRelaxed) < pages) {
    const std::uint64_t page = header.outdated_cursor.fetch_add(1, kRelaxed);
    if (page >= pages) break;
    const std::uint32_t found = engine_.slabs.page_class(static_cast<std::uint32_t>(page));
    if (found == kNoClass) continue;
    // Pages of tables too: those of stripes where nothing was stored since the clear can go.
    if (!engine_.classes.shape(found).is_index &&
        engine_.view.page_info(static_cast<std::uint32_t>(page)).last_epoch.load(kRelaxed) == epoch)
      continue;
    if (!PageMover(engine_, me_).move(static_cast<std::uint32_t>(page), found, size_class)) continue;
    if (Claim claim = engine_.slabs.claim_free(size_class, standing, me_)) return claim;
  }
  return {};
}

Claim Allocator::claim_expired(std::uint32_t size_class, Standing standing) const noexcept {
  constexpr std::uint32_t kMostPages = 1024;   // looked at
  constexpr std::uint32_t kMostChunks = 2048;  // searched
  SegmentHeader& header = engine_.view.header();
  const std::uint64_t now = now_ms();
  if (header.next_expiry_ms.load(kRelaxed) > now) return {};
  // Something has expired somewhere. A whole pass over the pages tells when to look again; each call does a part of one.
  const auto pages = static_cast<std::uint32_t>(engine_.view.geometry().page_count);
  auto page = static_cast<std::uint32_t>(header.expiry_cursor.load(kRelaxed) % pages);
  std::uint32_t searched = 0;
  for (std::uint32_t looked = 0; looked < std::min(pages, kMostPages) && searched < kMostChunks; ++looked) {
    PageInfo& info = engine_.view.page_info(page);
    while (info.min_expiry_ms.load(kRelaxed) <= now && searched < kMostChunks) {
      const std::uint32_t found = engine_.slabs.page_class(page);
      const std::uint32_t before = searched;
      searched += sweep_expired(page, found);
      // A page of another size helps only when nothing live is left in it.
      if (found != size_class && found != kNoClass && info.free_count.load(kRelaxed) >= engine_.classes.shape(found).chunks)
        static_cast<void>(PageMover(engine_, me_).move(page, found, size_class));
      if (Claim claim = engine_.slabs.claim_free(size_class, standing, me_)) {
        note_expiry(header.pass_expiry_ms, info.min_expiry_ms.load(kRelaxed));
        header.expiry_cursor.store(page, kRelaxed);
        return claim;
      }
      if (searched == before) break;  // somebody else is there
    }
    note_expiry(header.pass_expiry_ms, info.min_expiry_ms.load(kRelaxed));
    if (info.min_expiry_ms.load(kRelaxed) <= now) continue;
    page = page + 1 == pages ? 0 : page + 1;
    if (page != 0) continue;
    // A pass ends: what it found is what is known. What was stored meanwhile has lowered the hint of the next one.
    header.next_expiry_ms.store(header.pass_expiry_ms.exchange(kNeverExpires, kRelaxed), kRelaxed);
    note_expiry(header.next_expiry_ms, header.pass_expiry_ms.load(kRelaxed));
  }
  header.expiry_cursor.store(page, kRelaxed);
  return {};
}

/// Frees what has expired among some of the page's chunks, and goes on there the next time. After the last one the page's earliest
/// expiry is known again. Returns how many chunks it looked at.
std::uint32_t Allocator::sweep_expired(std::uint32_t page, std::uint32_t size_class) const noexcept {
  constexpr std::uint32_t kBatch = 128;
  const Slabs& slabs = engine_.slabs;
  PageInfo& info = engine_.view.page_info(page);
  if (size_class == kNoClass || !slabs.lock_page(page, me_)) return 0;
  std::uint32_t looked = 0;
  if (slabs.page_class(page) == size_class) {
    const std::uint32_t chunks = engine_.classes.shape(size_class).chunks;
    std::uint32_t index = info.expiry_cursor.load(kRelaxed);
    if (index >= chunks) index = 0;
    if (index == 0) info.next_min_expiry_ms.store(kNeverExpires, kRelaxed);
    for (const std::uint32_t end = std::min(chunks, index + kBatch); index < end; ++index, ++looked) {
      const Chunk chunk = slabs.chunk_at(page, index, size_class);
      if (SideWord::state(slabs.side(chunk).load(kAcquire)) != SideWord::kLinked) continue;
      const ItemView item = ItemView::at(engine_.view, chunk.offset);
      if (!item || !item.header.expires()) continue;
      const std::uint64_t expiry = item.expiry_ms();
      if (!has_expired(expiry)) {
        note_expiry(info.next_min_expiry_ms, expiry);
      } else if (const Claim claim = evictor_.try_take(chunk, EvictWhen::kDead)) {
        slabs.end_probation_page_locked(chunk);
        give_back(claim);
      } else {
        note_expiry(info.next_min_expiry_ms, expiry);
      }
    }
    if (index == chunks) info.min_expiry_ms.store(info.next_min_expiry_ms.load(kRelaxed), kRelaxed);
    info.expiry_cursor.store(index == chunks ? 0 : index, kRelaxed);
  }
  slabs.unlock_page(page);
  return looked;
}

}  // namespace carafe
