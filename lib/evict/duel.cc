// SPDX-License-Identifier: MIT
#include "evict/duel.h"

#include <algorithm>
#include <bit>

#include "evict/shadow.h"
#include "lock/owner_lock.h"

namespace carafe {
namespace {

constexpr std::uint32_t kScoreShift = 20;
constexpr std::uint64_t kFewestPerShadow = 512;

std::uint64_t square_root(std::uint64_t x) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1)
    if ((root + bit) * (root + bit) <= x) root += bit;
  return root;
}

}  // namespace

bool Duel::lock(KeyId id, const Worker& me) const noexcept {
  if (me.word == 0) return false;
  // The proof of a death costs a system call: only now and then.
  if (state_.lock.load(kRelaxed) != LockWord::kFree && (id.bits & 0xf00) != 0) return false;
  const LockResult result = OwnerLock::try_lock(state_.lock, me);
  if (result == LockResult::kTakenOver)
    for (Shadow& shadow : state_.shadows) ShadowCache::clear(shadow);  // its owner died in the middle of something
  return result != LockResult::kBusy;
}

void Duel::feed(KeyId id, Worker me) const noexcept {
  if (!lock(id, me)) return;
  const std::uint32_t slots = std::clamp<std::uint32_t>(state_.shadow_slots.load(kRelaxed), 1, kShadowSlots);
  const Sketch seen = sketch();
  for (std::uint32_t i = 0; i < kModes; ++i) {
    Shadow& shadow = state_.shadows[i];
    const bool hit = ShadowCache(shadow, kModeTable[i], seen, slots).access(id);
    const std::uint64_t score = shadow.score.load(kRelaxed);
    shadow.score.store(score - score / (8 * slots) + (hit ? std::uint64_t{1} << kScoreShift : 0), kRelaxed);
  }
  if (++state_.samples >= slots) {
    state_.samples = 0;
    compare();
  }
  OwnerLock::unlock(state_.lock);
}

/// Changes the mode when another one leads by more than chance: three times the root of the lead, so by ten hits at least. A share of the hits is
/// no measure: where nearly all are hits, half a percent of them are a tenth of the misses.
void Duel::compare() const noexcept {
  const std::uint32_t now = state_.mode.load(kRelaxed) % kModes;
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < kModes; ++i)
    if (score(i) > score(best)) best = i;
  const std::uint64_t lead = score(best) - std::min(score(now), score(best));
  const std::uint64_t chance = 3 * square_root((lead + (std::uint64_t{1} << kScoreShift)) << kScoreShift);
  if (best == now || lead <= chance) return;
  state_.mode.store(best, kRelaxed);
  state_.switches.fetch_add(1, kRelaxed);
}

void Duel::resize(std::uint64_t chunks, const Worker& me) const noexcept {
  if (view_.geometry().ghost_words == 0 || chunks == 0) return;
  const std::uint64_t before = state_.chunks.load(kRelaxed);
  // A few pages more or less change nothing; each change costs ghosts that are then looked for elsewhere.
  if (before != 0 && chunks <= before + before / 16 && chunks >= before - before / 16) return;
  if (!lock(KeyId{}, me)) return;
  state_.chunks.store(chunks, kRelaxed);
  const std::uint64_t ghosts = chunks + chunks / 9;
  state_.ghost_words.store(
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ghosts / GhostWord::kWays, 1, view_.geometry().ghost_words)), kRelaxed);
  const std::uint64_t sample =
      std::min<std::uint64_t>(std::bit_floor(std::max<std::uint64_t>(1, chunks / kFewestPerShadow)), 1U << kTagBits);
  const auto slots = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(chunks / sample, 1, kShadowSlots));
  const auto mask = static_cast<std::uint32_t>(sample - 1);
  if (view_.header().sample_mask.load(kRelaxed) != mask || slots < state_.shadow_slots.load(kRelaxed))
    for (Shadow& shadow : state_.shadows) ShadowCache::clear(shadow);  // others' keys, or too many
  state_.shadow_slots.store(slots, kRelaxed);
  view_.header().sample_mask.store(mask, kRelaxed);
  OwnerLock::unlock(state_.lock);
}

double Duel::shadow_hit_ratio(std::uint32_t mode) const noexcept {
  const std::uint32_t slots = state_.shadow_slots.load(kRelaxed);
  return slots == 0 ? 0.0 : static_cast<double>(score(mode)) / static_cast<double>(std::uint64_t{8} * slots << kScoreShift);
}

bool Duel::note_evictions(std::uint32_t count) const noexcept {
  const std::uint64_t interval = std::max<std::uint64_t>(state_.chunks.load(kRelaxed) / 8, 64);
  const std::uint64_t before = state_.evictions.fetch_add(count, kRelaxed);
  return before / interval != (before + count) / interval;
}

}  // namespace carafe
