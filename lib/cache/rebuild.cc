// SPDX-License-Identifier: MIT
#include "cache/rebuild.h"

#include <algorithm>

#include "base/step.h"
#include "cache/allocator.h"
#include "cache/items.h"
#include "cache/stripe_guard.h"
#include "index/table.h"

namespace carafe {
namespace {

/// Frees the chunk of a table that the directory has let go of. Lock held.
std::uint32_t release_table_locked(const Engine& engine, std::uint32_t stripe, std::uint64_t directory_word) noexcept {
  Chunk chunk;
  if (DirectoryWord::buckets(directory_word) == 0 || !engine.slabs.locate(DirectoryWord::offset(directory_word), chunk)) return ~0U;
  const std::uint64_t side = engine.slabs.side(chunk).load(kAcquire);
  if (!engine.classes.shape(chunk.size_class).is_index || !is_linked_to(side, stripe)) return ~0U;
  engine.slabs.release(chunk, side);
  return chunk.page;
}

/// Whether a table is needed at any price, or would only be nicer: then nothing is evicted and nobody waited for.
enum class Urgency : std::uint8_t { kNeeded, kNicer };

/// Replaces the table; `old_page` is then where the old one was.
bool replace_table(const Engine& engine, const Worker& me, std::uint32_t stripe_number, std::uint64_t seen, std::uint32_t buckets,
                   Urgency urgency, std::uint32_t& old_page) noexcept {
  Stripe& stripe = engine.view.stripe(stripe_number);
  const bool expect_restart = stripe.table_epoch.load(kRelaxed) != engine.epoch();
  const std::uint32_t size_class = engine.classes.index_class(expect_restart ? 1 : std::max(1U, buckets));
  if (size_class == kNoClass) return false;
  const Allocator allocator(engine, me);
  const Claim claim = urgency == Urgency::kNeeded ? allocator.claim(size_class) : allocator.claim_spare(size_class);
  if (!claim) return false;

  StripeGuard guard =
      urgency == Urgency::kNeeded ? StripeGuard::wait(engine, me, stripe_number) : StripeGuard::attempt(engine, me, stripe_number);
  auto& directory = engine.view.directory(stripe_number);
  const std::uint32_t epoch = engine.epoch();
  const bool restart = stripe.table_epoch.load(kRelaxed) != epoch;
  if (!guard || directory.load(kAcquire) != seen || (expect_restart && !restart)) {
    const bool busy = !guard;
    guard.unlock();
    allocator.give_back(claim);
    return !busy;
  }
  const Table fresh{reinterpret_cast<Bucket*>(claim.bytes), engine.classes.buckets(size_class), 0};
  fresh.clear_private();
  // Whatever a table of another epoch refers to is outdated as a whole: it stays behind unreferenced, and the hand takes it.
  const Table old = Table::from_word(engine.view, seen);
  const std::uint32_t lost = restart ? 0 : fresh.copy_private(old);
  if (lost > 0) {  // bad luck with this size, or too small: nothing may get lost on the way; the caller may ask for another
    guard.unlock();
    allocator.give_back(claim);
    return false;
  }
  CARAFE_STEP("rebuild: filled");
  engine.slabs.side(claim.chunk).store(SideWord::linked(SideWord::generation(claim.word), stripe_number, 0), kRelease);
  CARAFE_STEP("rebuild: linked");
  directory.store(DirectoryWord::make(claim.chunk.offset, fresh.count, DirectoryWord::changes(seen) + 1), kRelease);
  CARAFE_STEP("rebuild: published");
  if (restart) {
    stripe.items.store(0, kRelaxed);
    stripe.item_bytes.store(0, kRelaxed);
    stripe.entry_count.store(0, kRelaxed);
    stripe.table_epoch.store(epoch, kRelaxed);
  }
  old_page = release_table_locked(engine, stripe_number, seen);
  me.count(CounterId::k_index_rebuilds);
  return true;
}

/// Moves some of the tables that are left in a nearly empty page elsewhere, so that the page can go back to the pool: as stripes grow,
/// all at about the same time, they leave the pages of the smaller classes behind. A few at a time, since it is one set that pays.
void drain_some(const Engine& engine, const Worker& me, std::uint32_t page) noexcept {
  constexpr int kMostTables = 8;
  const std::uint32_t size_class = engine.slabs.page_class(page);
  if (size_class == kNoClass) return;
  engine.slabs.drain(page);
  int moved = 0;
  for (std::uint32_t i = 0; i < engine.classes.shape(size_class).chunks && moved < kMostTables; ++i) {
    const Chunk chunk = engine.slabs.chunk_at(page, i, size_class);
    const std::uint64_t side = engine.slabs.side(chunk).load(kAcquire);
    if (SideWord::state(side) != SideWord::kLinked || SideWord::stripe(side) >= engine.view.geometry().stripe_count) continue;
    const std::uint64_t word = engine.view.directory(SideWord::stripe(side)).load(kAcquire);
    if (DirectoryWord::offset(word) != chunk.offset) continue;
    std::uint32_t from = ~0U;
    if (!replace_table(engine, me, SideWord::stripe(side), word, DirectoryWord::buckets(word), Urgency::kNicer, from)) return;
    ++moved;
  }
}

}  // namespace

bool rebuild_table(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint64_t seen, std::uint32_t buckets) noexcept {
  std::uint32_t old_page = ~0U;
  if (!replace_table(engine, me, stripe, seen, buckets, Urgency::kNeeded, old_page)) return false;
  if (old_page == ~0U) return true;
  if (engine.slabs.is_worth_draining(old_page)) drain_some(engine, me, old_page);
  engine.slabs.release_page_if_empty(old_page, me);
  return true;
}

void shrink_table(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint64_t seen, std::uint32_t buckets) noexcept {
  std::uint32_t old_page = ~0U;
  if (replace_table(engine, me, stripe, seen, buckets, Urgency::kNicer, old_page) && old_page != ~0U)
    engine.slabs.release_page_if_empty(old_page, me);
}

}  // namespace carafe
