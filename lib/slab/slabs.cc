// SPDX-License-Identifier: MIT
#include "slab/slabs.h"

#include <algorithm>
#include <bit>

#include "base/step.h"
#include "base/time.h"
#include "lock/owner_lock.h"
#include "workers/worker_registry.h"

namespace carafe {
namespace {

/// Where a page has few chunks its bitmap is as quick.
bool worth_a_hint(const ClassShape& shape) noexcept { return !shape.is_index && shape.chunks >= 32; }

void lower(Atomic<std::uint32_t>& value, std::uint32_t to) noexcept {
  if (value.load(kRelaxed) > to) value.store(to, kRelaxed);  // racy on purpose: a hint
}

/// A count that never goes below zero, since deaths may have left it wrong.
template <typename T>
void lower_by(T amount, Atomic<T>& count) noexcept {
  T seen = count.load(kRelaxed);
  while (seen > 0 && !count.compare_exchange_weak(seen, seen - std::min(seen, amount), kRelaxed)) {
  }
}
template <typename T>
void lower_by_one(Atomic<T>& count) noexcept {
  lower_by(T{1}, count);
}

}  // namespace

bool Slabs::locate(std::uint64_t offset, Chunk& chunk) const noexcept {
  if (view_.chunk(offset, 8) == nullptr) return false;
  const std::uint64_t page = view_.page_of(offset);
  const std::uint32_t size_class = page_class(static_cast<std::uint32_t>(page));
  if (size_class == kNoClass) return false;
  const ClassShape& shape = classes_.shape(size_class);
  const auto within = static_cast<std::uint32_t>(offset - view_.page_offset(page));
  if (within < shape.chunks_at) return false;
  const std::uint32_t index = (within - shape.chunks_at) / shape.chunk_bytes;
  if (index >= shape.chunks || shape.chunks_at + index * shape.chunk_bytes != within) return false;
  chunk = {offset, static_cast<std::uint32_t>(page), index, size_class};
  return true;
}

bool Slabs::is_draining(std::uint32_t page) const noexcept {
  const std::uint32_t until = view_.page_info(page).draining_until_ms.load(kRelaxed);
  return until != 0 && static_cast<std::int32_t>(until - static_cast<std::uint32_t>(now_ms())) > 0;
}

void Slabs::drain(std::uint32_t page) const noexcept {
  view_.page_info(page).draining_until_ms.store(static_cast<std::uint32_t>(now_ms() + 100) | 1, kRelaxed);
}

bool Slabs::is_worth_draining(std::uint32_t page) const noexcept {
  const std::uint32_t size_class = page_class(page);
  if (size_class == kNoClass || !classes_.shape(size_class).is_index) return false;
  if (view_.size_class(size_class).page_count.load(kRelaxed) < 2) return false;
  const std::uint32_t chunks = classes_.shape(size_class).chunks;
  const std::uint32_t free = view_.page_info(page).free_count.load(kRelaxed);
  constexpr std::uint32_t kFewChunks = 4;  // then a page is emptied by moving one table or two
  // Small tables grow on so soon that their pages empty by themselves.
  const bool is_sparse = chunks <= kFewChunks ? 2 * free >= chunks : 4 * free >= 3 * chunks;
  if (classes_.buckets(size_class) < 8 || !is_sparse || free >= chunks) return false;
  std::uint64_t elsewhere = 0;
  for (std::uint32_t other = 0; other < view_.geometry().page_count; ++other)
    if (other != page && view_.page_class(other).load(kRelaxed) == size_class && !is_draining(other))
      elsewhere += view_.page_info(other).free_count.load(kRelaxed);
  return chunks <= kFewChunks ? elsewhere >= chunks - free : elsewhere > 4 * (chunks - free);
}

bool Slabs::lock_page(std::uint32_t page, const Worker& me) const noexcept {
  Atomic<std::uint64_t>& lock = view_.page_info(page).lock;
  for (int i = 0; i < 40; ++i) {
    std::uint64_t free = LockWord::kFree;
    if (lock.load(kRelaxed) == LockWord::kFree && lock.compare_exchange_strong(free, me.word, kAcquire, kRelaxed)) return true;
    spin_pause();
  }
  return OwnerLock::try_lock(lock, me) != LockResult::kBusy;
}

void Slabs::unlock_page(std::uint32_t page) const noexcept { OwnerLock::unlock(view_.page_info(page).lock); }

Claim Slabs::claim_page_locked(const Chunk& chunk, std::uint64_t seen, const Worker& me) const noexcept {
  const std::uint64_t mine = SideWord::claimed(SideWord::generation(seen) + 1, me.id);
  if (!side(chunk).compare_exchange_strong(seen, mine, kAcquire, kRelaxed)) return {};
  CARAFE_STEP("claim: claimed");
  mark_used(chunk);
  // Before the first byte of payload: a reader that sees such a byte must also see the version that was raised before the chunk
  // became free. x86 hides its absence, the C++ model does not.
  atomic_fence(kRelease);
  return {chunk, mine, view_.base() + chunk.offset};
}

Claim Slabs::take_linked(const Chunk& chunk, std::uint64_t seen, const Worker& me) const noexcept {
  const std::uint64_t mine = SideWord::claimed(SideWord::generation(seen) + 1, me.id);
  side(chunk).store(mine, kRelease);
  atomic_fence(kRelease);
  return {chunk, mine, view_.base() + chunk.offset};
}

void Slabs::begin_page_locked(const Chunk& chunk, Standing standing) const noexcept {
  if (standing == Standing::kMain) {
    end_probation_page_locked(chunk);
  } else if (probation_bits(chunk.page, chunk.size_class).begin(chunk.index)) {
    view_.size_class(chunk.size_class).probation.fetch_add(1, kRelaxed);
  }
}

void Slabs::end_probation_page_locked(const Chunk& chunk) const noexcept {
  if (classes_.shape(chunk.size_class).is_index || !probation_bits(chunk.page, chunk.size_class).end(chunk.index)) return;
  lower_by_one(view_.size_class(chunk.size_class).probation);
}

bool Slabs::has_hint(std::uint32_t size_class) const noexcept { return hints_.has(thread_lane(), size_class); }

Claim Slabs::claim_hinted(std::uint32_t size_class, Standing standing, const Worker& me) const noexcept {
  std::uint32_t page = 0;
  std::uint32_t index = 0;
  if (!hints_.pop(thread_lane(), size_class, page, index)) return {};
  if (page >= view_.geometry().page_count || !lock_page(page, me)) return {};
  Claim claim;
  if (page_class(page) == size_class && index < classes_.shape(size_class).chunks) {
    const Chunk chunk = chunk_at(page, index, size_class);
    const std::uint64_t seen = side(chunk).load(kAcquire);
    if (SideWord::state(seen) == SideWord::kFree) claim = claim_page_locked(chunk, seen, me);
    if (claim) begin_page_locked(chunk, standing);
  }
  unlock_page(page);
  return claim;
}

Claim Slabs::claim_in_page(std::uint32_t page, std::uint32_t size_class, Standing standing, const Worker& me) const noexcept {
  if (!lock_page(page, me)) return {};
  Claim claim;
  if (page_class(page) == size_class) {
    const ClassShape& shape = classes_.shape(size_class);
    PageInfo& info = view_.page_info(page);
    std::uint32_t wrong = 0;
    for (std::uint32_t word = info.free_cursor.load(kRelaxed); word < shape.bitmap_words() && !claim; ++word) {
      std::uint64_t bits = bitmap(page, shape)[word].load(kRelaxed);
      for (; bits != 0 && !claim; bits &= bits - 1) {
        const auto index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
        if (index >= shape.chunks) break;
        const Chunk chunk = chunk_at(page, index, size_class);
        const std::uint64_t seen = side(chunk).load(kAcquire);
        if (SideWord::state(seen) == SideWord::kFree) claim = claim_page_locked(chunk, seen, me);
        if (!claim) ++wrong;  // about to be freed, or left over from a death
      }
      info.free_cursor.store(word, kRelaxed);
    }
    if (claim) {
      begin_page_locked(claim.chunk, standing);
    } else {  // whatever it said: nothing was found
      info.free_count.store(wrong, kRelaxed);
      info.free_cursor.store(0, kRelaxed);
    }
  }
  unlock_page(page);
  return claim;
}

Claim Slabs::claim_free(std::uint32_t size_class, Standing standing, const Worker& me) const noexcept {
  constexpr std::uint32_t kMostLooks = 1024;  // pages at a time, so that a segment of a million pages costs no more than a small one
  ClassState& state = view_.size_class(size_class);
  const std::uint32_t unseen = state.unseen_free.load(kRelaxed);
  if (unseen == 0) return {};
  const auto pages = static_cast<std::uint32_t>(view_.geometry().page_count);
  std::uint32_t page = state.free_cursor.load(kRelaxed) % pages;
  const std::uint32_t looks = std::min({unseen, pages, kMostLooks});
  for (std::uint32_t i = 0; i < looks; ++i, page = page + 1 == pages ? 0 : page + 1) {
    if (view_.page_class(page).load(kRelaxed) != size_class || view_.page_info(page).free_count.load(kRelaxed) == 0 || is_draining(page))
      continue;
    if (Claim claim = claim_in_page(page, size_class, standing, me)) {
      if (i != 0) state.free_cursor.store(page, kRelaxed);
      return claim;
    }
  }
  state.free_cursor.store(page, kRelaxed);
  state.unseen_free.store(unseen > looks && looks < pages ? unseen - looks : 0, kRelaxed);
  return {};
}

void Slabs::mark_used(const Chunk& chunk) const noexcept {
  const ClassShape& shape = classes_.shape(chunk.size_class);
  const std::uint64_t bit = std::uint64_t{1} << (chunk.index % 64);
  Atomic<std::uint64_t>& word = bitmap(chunk.page, shape)[chunk.index / 64];
  if ((word.load(kRelaxed) & bit) == 0) return;
  if ((word.fetch_and(~bit, kRelaxed) & bit) == 0) return;
  lower_by_one(view_.page_info(chunk.page).free_count);
}

void Slabs::mark_free(const Chunk& chunk) const noexcept {
  const ClassShape& shape = classes_.shape(chunk.size_class);
  const std::uint64_t bit = std::uint64_t{1} << (chunk.index % 64);
  if ((bitmap(chunk.page, shape)[chunk.index / 64].fetch_or(bit, kRelaxed) & bit) != 0) return;
  PageInfo& info = view_.page_info(chunk.page);
  if (info.free_count.fetch_add(1, kRelaxed) + 1 == shape.chunks) view_.header().empty_pages.fetch_add(1, kRelaxed);
  lower(info.free_cursor, chunk.index / 64);
  note_free(view_.size_class(chunk.size_class), chunk.page);
}

void Slabs::note_free(ClassState& state, std::uint32_t page) const noexcept {
  const auto pages = static_cast<std::uint32_t>(view_.geometry().page_count);
  const std::uint32_t unseen = state.unseen_free.load(kRelaxed);
  if (unseen == 0) state.free_cursor.store(page, kRelaxed);
  if (unseen < pages) state.unseen_free.store(pages, kRelaxed);
}

void Slabs::release(const Chunk& chunk, std::uint64_t seen) const noexcept {
  // The bitmap is ours to write only while the page cannot change its class, that is while the chunk is not free. It is told of hinted
  // chunks too: a hint ends with its process, and what only hints knew of would be missed until a hand comes by, evicting on its way.
  mark_free(chunk);
  if (worth_a_hint(classes_.shape(chunk.size_class)))
    static_cast<void>(hints_.push(thread_lane(), chunk.size_class, chunk.page, chunk.index));
  CARAFE_STEP("release: hinted");
  side(chunk).store(SideWord::free(SideWord::generation(seen)), kRelease);
  CARAFE_STEP("release: free");
}

void Slabs::format_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept {
  const ClassShape& shape = classes_.shape(size_class);
  PageInfo& info = view_.page_info(page);
  const std::uint32_t generation = info.generation.load(kRelaxed);
  // Side words and bitmap may come to lie where payload was: a reader that sees one of them there must also see the version that was
  // raised before that payload's chunk became free, by whomever. As in claim_page_locked.
  atomic_fence(kRelease);
  for (std::uint32_t i = 0; i < shape.chunks; ++i) side(page, i).store(SideWord::free(generation), kRelaxed);
  for (std::uint32_t word = 0; word < shape.bitmap_words(); ++word) {
    const std::uint32_t left = shape.chunks - word * 64;
    bitmap(page, shape)[word].store(left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1, kRelaxed);
  }
  probation_bits(page, size_class).clear();  // what was there may have been anything
  info.free_cursor.store(0, kRelaxed);
  info.free_count.store(shape.chunks, kRelaxed);
  info.min_expiry_ms.store(~std::uint64_t{0}, kRelaxed);
  info.next_min_expiry_ms.store(~std::uint64_t{0}, kRelaxed);
  info.expiry_cursor.store(0, kRelaxed);
  info.last_epoch.store(view_.header().epoch.load(kRelaxed), kRelaxed);
  info.draining_until_ms.store(0, kRelaxed);
  CARAFE_STEP("page: cut");
  view_.page_class(page).store(size_class, kRelease);
  CARAFE_STEP("page: class published");
  ClassState& state = view_.size_class(size_class);
  if (state.page_count.fetch_add(1, kRelaxed) == 0) state.page_turned_ms.store(now_ms(), kRelaxed);
  state.free_cursor.store(page, kRelaxed);
  state.unseen_free.store(static_cast<std::uint32_t>(view_.geometry().page_count), kRelaxed);
}

void Slabs::retire_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept {
  PageInfo& info = view_.page_info(page);
  // Generations go on from the highest one, so that an offset and a generation never name two values.
  std::uint32_t highest = info.generation.load(kRelaxed);
  for (std::uint32_t i = 0; i < classes_.shape(size_class).chunks; ++i) {
    const std::uint32_t generation = SideWord::generation(side(page, i).load(kRelaxed));
    if (((generation - highest) & SideWord::kGenerationMask) < (SideWord::kGenerationMask >> 1)) highest = generation;
  }
  info.generation.store(highest, kRelaxed);
  info.free_count.store(0, kRelaxed);
  const ProbationBits newcomers = probation_bits(page, size_class);
  if (const std::uint32_t count = newcomers.count(); count != 0) lower_by(count, view_.size_class(size_class).probation);
  newcomers.clear();
  CARAFE_STEP("page: emptied");
  view_.page_class(page).store(kNoClass, kRelease);
  CARAFE_STEP("page: back in the pool");
  lower_by_one(view_.size_class(size_class).page_count);
  view_.header().free_pages.fetch_add(1, kRelaxed);
}

void Slabs::rebuild_bitmap_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept {
  for (std::uint32_t i = 0; i < classes_.shape(size_class).chunks; ++i) {
    const Chunk chunk = chunk_at(page, i, size_class);
    if (SideWord::state(side(chunk).load(kRelaxed)) == SideWord::kFree) mark_free(chunk);
  }
}

void Slabs::unpool_one() const noexcept { lower_by_one(view_.header().free_pages); }

bool Slabs::adopt_page(std::uint32_t page, std::uint32_t size_class, const Worker& me) const noexcept {
  if (view_.page_class(page).load(kRelaxed) != kNoClass || !lock_page(page, me)) return false;
  const bool free = view_.page_class(page).load(kAcquire) == kNoClass;
  if (free) {
    format_page_locked(page, size_class);
    unpool_one();
  }
  unlock_page(page);
  return free;
}

bool Slabs::take_pool_page(std::uint32_t size_class, const Worker& me) const noexcept {
  SegmentHeader& header = view_.header();
  if (header.free_pages.load(kRelaxed) == 0) return false;
  const auto pages = static_cast<std::uint32_t>(view_.geometry().page_count);
  // The index fills the segment from its end. What it gives back as its tables grow is then what items get last, and what the hands
  // come to last: elsewhere, the first turn would begin with evicting the newest.
  constexpr std::uint32_t kMostLooks = 4096;
  if (classes_.shape(size_class).is_index)
    for (std::uint32_t i = 1; i <= std::min(pages, kMostLooks); ++i)
      if (adopt_page(pages - i, size_class, me)) return true;
  auto page = static_cast<std::uint32_t>(header.pool_cursor.load(kRelaxed) % pages);
  for (std::uint32_t i = 0; i < pages; ++i, page = page + 1 == pages ? 0 : page + 1) {
    if (!adopt_page(page, size_class, me)) continue;
    header.pool_cursor.store(page + 1, kRelaxed);
    return true;
  }
  header.free_pages.store(0, kRelaxed);
  return false;
}

void Slabs::recount_pages() const noexcept {
  std::uint32_t counts[kMaxClasses] = {};
  std::uint64_t free = 0;
  for (std::uint64_t page = 0; page < view_.geometry().page_count; ++page) {
    const std::uint32_t size_class = view_.page_class(page).load(kRelaxed);
    if (size_class < classes_.count()) {
      ++counts[size_class];
    } else if (size_class == kNoClass) {
      ++free;
    }
  }
  for (std::uint32_t i = 0; i < classes_.count(); ++i)
    if (view_.size_class(i).page_count.load(kRelaxed) != counts[i]) view_.size_class(i).page_count.store(counts[i], kRelaxed);
  view_.header().free_pages.store(free, kRelaxed);
}

void Slabs::release_page_if_empty(std::uint32_t page, const Worker& me) const noexcept {
  const std::uint32_t size_class = page_class(page);
  if (size_class == kNoClass || view_.page_info(page).free_count.load(kRelaxed) < classes_.shape(size_class).chunks) return;
  retire_page_if_empty(page, size_class, me);
}

bool Slabs::retire_page_if_empty(std::uint32_t page, std::uint32_t size_class, const Worker& me) const noexcept {
  if (!lock_page(page, me)) return false;
  bool empty = false;
  if (page_class(page) == size_class) {
    empty = true;
    for (std::uint32_t i = 0; i < classes_.shape(size_class).chunks && empty; ++i)
      empty = SideWord::state(side(page, i).load(kAcquire)) == SideWord::kFree;
    if (empty) retire_page_locked(page, size_class);
  }
  unlock_page(page);
  return empty;
}

}  // namespace carafe
