// SPDX-License-Identifier: MIT
#include "cache/namespaces.h"

#include <algorithm>

#include "base/hash.h"
#include "base/racy_copy.h"
#include "base/step.h"
#include "cache/stamps.h"
#include "lock/owner_lock.h"
#include "stats/gauge.h"

namespace carafe {

std::uint64_t Namespaces::hash_of(std::string_view name, std::string_view release) const noexcept {
  return hash_key(release, hash_key(name, engine_.seed));
}

bool Namespaces::is_named(const NamespaceRecord& record, std::uint64_t hash, std::string_view name,
                          std::string_view release) const noexcept {
  return record.name_hash.load(kRelaxed) == hash && record.name_bytes.load(kRelaxed) == name.size() &&
         record.release_bytes.load(kRelaxed) == release.size() && racy_equal(record.text, name.data(), name.size()) &&
         racy_equal(record.text + name.size(), release.data(), release.size());
}

NamespaceId Namespaces::find(std::string_view name, std::string_view release) const noexcept {
  if (name.size() > kMaxNamespaceBytes || release.size() > kMaxReleaseBytes) return {};
  const std::uint64_t hash = hash_of(name, release);
  const std::uint64_t count = engine_.view.geometry().namespace_count;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = (hash + i) % count;
    const NamespaceRecord& record = engine_.view.namespace_record(at);
    const std::uint64_t word = record.word.load(kAcquire);
    const std::uint32_t incarnation = NamespaceWord::incarnation(word);
    if (incarnation == 0) return {};  // never used: nobody was put beyond it
    if (!NamespaceWord::is_used(word) || !is_named(record, hash, name, release)) continue;
    atomic_fence(kAcquire);
    if (NamespaceWord::incarnation(record.word.load(kRelaxed)) == incarnation) return {static_cast<std::uint32_t>(at + 1), incarnation};
  }
  return {};
}

Status Namespaces::find_or_make(std::string_view name, std::string_view release, NamespaceId& id) const noexcept {
  id = find(name, release);
  if (id) return Status::kOk;
  SegmentHeader& header = engine_.view.header();
  // Whoever died in here left a record unused that is half written, which is as good as one that is not.
  if (OwnerLock::lock(header.namespaces_lock, me_, engine_.lock_wait_ns) == LockResult::kBusy) return Status::kBusy;
  id = find(name, release);
  const std::uint64_t hash = hash_of(name, release);
  const std::uint64_t count = engine_.view.geometry().namespace_count;
  for (std::uint64_t i = 0; i < count && !id; ++i) {
    const std::uint64_t at = (hash + i) % count;
    NamespaceRecord& record = engine_.view.namespace_record(at);
    const std::uint64_t word = record.word.load(kAcquire);
    if (NamespaceWord::is_used(word)) continue;
    record.name_hash.store(hash, kRelaxed);
    record.name_bytes.store(static_cast<std::uint32_t>(name.size()), kRelaxed);
    record.release_bytes.store(static_cast<std::uint32_t>(release.size()), kRelaxed);
    racy_copy_in(record.text, name.data(), name.size());
    racy_copy_in(record.text + name.size(), release.data(), release.size());
    for (auto* counter : {&record.hits, &record.misses, &record.sets, &record.evictions, &record.clears, &record.items, &record.bytes,
                          &record.quota_bytes, &record.quota_cursor})
      counter->store(0, kRelaxed);
    CARAFE_STEP("namespace: written");
    // Whatever bears its number was stored for a former one.
    id = {static_cast<std::uint32_t>(at + 1), NamespaceWord::next(NamespaceWord::incarnation(word))};
    record.word.store(NamespaceWord::make(id.incarnation, begin_invalidation(engine_)), kRelease);
    CARAFE_STEP("namespace: in use");
  }
  OwnerLock::unlock(header.namespaces_lock);
  return id ? Status::kOk : Status::kNoSpace;
}

void Namespaces::set_quota(NamespaceId id, std::uint64_t bytes) const noexcept {
  auto& quota = engine_.view.namespace_record(id.number - 1).quota_bytes;
  if (quota.load(kRelaxed) != bytes) quota.store(bytes, kRelaxed);
}

bool Namespaces::drop(NamespaceId id) const noexcept {
  SegmentHeader& header = engine_.view.header();
  if (OwnerLock::lock(header.namespaces_lock, me_, engine_.lock_wait_ns) == LockResult::kBusy) return false;
  NamespaceRecord& record = engine_.view.namespace_record(id.number - 1);
  const std::uint64_t word = record.word.load(kAcquire);
  const bool ours = NamespaceWord::incarnation(word) == id.incarnation && NamespaceWord::is_used(word);
  if (ours)
    record.word.store(
        NamespaceWord::make(NamespaceWord::next(id.incarnation), std::max(begin_invalidation(engine_), NamespaceWord::cleared_at(word))),
        kRelease);
  OwnerLock::unlock(header.namespaces_lock);
  return ours;
}

NamespaceLane* Namespaces::take_lane(NamespaceId id) const noexcept {
  constexpr std::uint32_t kMostAsked = 8;  // two system calls each
  const std::uint64_t space = space_of(id);
  const std::uint64_t count = engine_.view.geometry().namespace_lane_count;
  NamespaceLane* free = nullptr;
  std::uint32_t asked = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    NamespaceLane& lane = engine_.view.namespace_lane((id.number + i) % count);
    std::uint64_t owner = lane.owner.load(kAcquire);
    const std::uint64_t held_for = lane.space.load(kRelaxed);
    if (owner == me_.word && held_for == space) return &lane;
    if (owner == 0) {  // never used: nobody went beyond it
      free = &lane;
      break;
    }
    if (held_for != space || asked == kMostAsked || owner == me_.word) continue;
    ++asked;
    // Who had it is gone: its counts go on with us.
    if (me_.liveness.is_dead(LockWord::owner(owner), me_.id) && lane.owner.compare_exchange_strong(owner, me_.word, kAcqRel)) return &lane;
  }
  std::uint64_t nobody = 0;
  if (free == nullptr) return reclaim_lane(space);
  if (!free->owner.compare_exchange_strong(nobody, me_.word, kAcqRel)) return nullptr;
  free->space.store(space, kRelease);
  return free;
}

/// All lanes are taken: one of the dead, for whatever namespace. What it has counted goes to its namespace's record; a death just then
/// loses that.
NamespaceLane* Namespaces::reclaim_lane(std::uint64_t space) const noexcept {
  constexpr std::uint32_t kMostAsked = 8;
  const std::uint64_t count = engine_.view.geometry().namespace_lane_count;
  std::uint32_t asked = 0;
  for (std::uint64_t i = 0; i < count && asked < kMostAsked; ++i) {
    NamespaceLane& lane = engine_.view.namespace_lane((space + i) % count);
    std::uint64_t owner = lane.owner.load(kAcquire);
    if (owner == me_.word) continue;
    ++asked;
    if (!me_.liveness.is_dead(LockWord::owner(owner), me_.id) || !lane.owner.compare_exchange_strong(owner, me_.word, kAcqRel)) continue;
    const std::uint64_t former = lane.space.load(kRelaxed);
    const NamespaceId id{static_cast<std::uint32_t>(former & 0xffff), static_cast<std::uint32_t>(former >> 16)};
    const bool known = id.number != 0 && id.number <= engine_.view.geometry().namespace_count && is_still(id);
    NamespaceRecord* record = known ? &engine_.view.namespace_record(id.number - 1) : nullptr;
    const auto hand_over = [](Atomic<std::uint64_t>& from, Atomic<std::uint64_t>* to) {
      const std::uint64_t counted = from.exchange(0, kRelaxed);
      if (to != nullptr) to->fetch_add(counted, kRelaxed);
    };
    hand_over(lane.hits, record != nullptr ? &record->hits : nullptr);
    hand_over(lane.misses, record != nullptr ? &record->misses : nullptr);
    hand_over(lane.sets, record != nullptr ? &record->sets : nullptr);
    lane.space.store(space, kRelease);
    return &lane;
  }
  return nullptr;
}

bool Namespaces::read(NamespaceId id, NamespaceStats& stats) const {
  const NamespaceRecord& record = engine_.view.namespace_record(id.number - 1);
  const std::size_t name_bytes = std::min<std::size_t>(record.name_bytes.load(kRelaxed), kMaxNamespaceBytes);
  const std::size_t release_bytes = std::min<std::size_t>(record.release_bytes.load(kRelaxed), kMaxReleaseBytes);
  char text[kMaxNamespaceBytes + kMaxReleaseBytes];
  racy_copy_out(text, record.text, sizeof text);
  stats.name.assign(text, name_bytes);
  stats.release.assign(text + name_bytes, release_bytes);
  stats.hits = record.hits.load(kRelaxed);
  stats.misses = record.misses.load(kRelaxed);
  stats.sets = record.sets.load(kRelaxed);
  stats.evictions = record.evictions.load(kRelaxed);
  stats.clears = record.clears.load(kRelaxed);
  stats.quota_bytes = record.quota_bytes.load(kRelaxed);
  const std::uint32_t epoch = engine_.epoch();
  stats.items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, Gauge::value_in(record.items.load(kRelaxed), epoch)));
  stats.bytes_used = static_cast<std::uint64_t>(std::max<std::int64_t>(0, Gauge::value_in(record.bytes.load(kRelaxed), epoch) * 8));
  const std::uint64_t space = space_of(id);
  const std::uint64_t lanes = engine_.view.geometry().namespace_lane_count;
  for (std::uint64_t i = 0; i < lanes; ++i) {
    const NamespaceLane& lane = engine_.view.namespace_lane((id.number + i) % lanes);
    if (lane.owner.load(kAcquire) == 0) break;
    if (lane.space.load(kAcquire) != space) continue;
    stats.hits += lane.hits.load(kRelaxed);
    stats.misses += lane.misses.load(kRelaxed);
    stats.sets += lane.sets.load(kRelaxed);
  }
  stats.gets = stats.hits + stats.misses;
  return is_still(id);
}

/// Who has that record; none when nobody.
NamespaceId Namespaces::id_of(std::uint32_t number) const noexcept {
  const std::uint64_t word = engine_.view.namespace_record(number - 1).word.load(kAcquire);
  return NamespaceWord::is_used(word) ? NamespaceId{number, NamespaceWord::incarnation(word)} : NamespaceId{};
}

std::vector<NamespaceStats> Namespaces::list() const {
  std::vector<NamespaceStats> all;
  const auto count = static_cast<std::uint32_t>(engine_.view.geometry().namespace_count);
  for (std::uint32_t number = 1; number <= count; ++number) {
    const NamespaceId id = id_of(number);
    NamespaceStats stats;
    if (id && read(id, stats)) all.push_back(std::move(stats));
  }
  return all;
}

std::uint64_t Namespaces::drop_releases_but(std::string_view kept) const noexcept {
  std::uint64_t dropped = 0;
  const auto count = static_cast<std::uint32_t>(engine_.view.geometry().namespace_count);
  for (std::uint32_t number = 1; number <= count; ++number) {
    const NamespaceId id = id_of(number);
    if (!id) continue;
    const NamespaceRecord& record = engine_.view.namespace_record(number - 1);
    const std::size_t name_bytes = record.name_bytes.load(kRelaxed);
    const std::size_t release_bytes = record.release_bytes.load(kRelaxed);
    if (name_bytes > kMaxNamespaceBytes || release_bytes > kMaxReleaseBytes) continue;  // somebody scribbled
    const bool keep =
        release_bytes == 0 || (release_bytes == kept.size() && racy_equal(record.text + name_bytes, kept.data(), kept.size()));
    if (!keep && drop(id)) ++dropped;
  }
  return dropped;
}

}  // namespace carafe
