// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "cache/handle.h"
#include "cache/reader.h"
#include "cache/space.h"
#include "cache/stamps.h"
#include "cache/writer.h"

/// What all verbs have in common: which segment, who we are, whether it may happen, what is counted.
namespace carafe {

/// Where `space` (nullptr: the keys of no namespace) is in the segment in use.
[[nodiscard]] inline Scope scope_of(detail::Space* space, const Engine& engine, const Worker& me,
                                    detail::Absent absent = detail::Absent::kLeave) noexcept {
  return space == nullptr ? Scope{} : space->enter(engine, me, absent);
}

/// Runs a writing verb: checks that it may happen, then write(engine, writer, key, stamp). A write during which the segment is removed came
/// before that. stores: whether kOk means that a value was stored.
template <typename Write>
Status run_write(detail::Handle& handle, detail::Space* space, std::string_view text, bool stores, Write&& write) noexcept {
  if (!Key::is_valid(text)) return Status::kBadKey;
  const Engine& engine = handle.engine();
  if (engine.segment.read_only) return Status::kReadOnly;
  const Worker me = engine.worker();
  if (me.word == 0) return Status::kNoWorkerSlot;
  handle.tick(engine);
  if (engine.retired()) return handle.retired_status();
  constexpr int kMostTries = 3;  // while its namespace's record changes hands
  for (int i = 0; i < kMostTries; ++i) {
    const Scope scope = scope_of(space, engine, me, detail::Absent::kMake);
    if (scope.is_nowhere()) {
      if (scope.why() == Status::kBusy) break;
      return Status::kNoSpace;
    }
    // Before the record is looked at again, under the lock: should it become another namespace's after that, what is stored is older than
    // that one.
    const std::uint64_t stamp = stamp_now(engine.view);
    const Status status = write(engine, Writer(engine, me), Key::of(engine, text, scope.id()), stamp);
    if (status == Status::kStale) continue;
    if (stores && status == Status::kOk) scope.count_set();
    return status;
  }
  me.count(CounterId::k_busy);
  return Status::kBusy;
}

/// Counts what a read that was no plain hit came to, and ticks. A stale value is a miss here: who takes it counts it.
Status settle_others(detail::Handle& handle, const Engine& engine, Worker me, Scope scope, ReadResult result) noexcept;

/// Counts what a read came to, and ticks.
inline Status settle(detail::Handle& handle, const Engine& engine, const Worker& me, const Scope& scope, ReadResult result) noexcept {
  if (result != ReadResult::kHit) [[unlikely]]
    return settle_others(handle, engine, me, scope, result);
  const std::uint64_t hits = me.lane != nullptr ? count_up(me.lane->counters[static_cast<std::size_t>(CounterId::k_hits)]) : 0;
  if (scope.number != 0) scope.count_hit();
  if (handle.is_time_to_tick(hits)) handle.tick(engine);
  return Status::kOk;
}

/// What a set with these options makes. False: a tag is none.
[[nodiscard]] inline bool make_traits(const Engine& engine, const Tags& tags, Expiry expiry, std::uint64_t stamp,
                                      ItemTraits& traits) noexcept {
  traits.expiry = expiry;
  traits.stamp = stamp;
  for (const std::string_view tag : tags) traits.tags[traits.tag_count++] = tag_place(engine, tag);
  return tags.is_valid();
}

}  // namespace carafe
