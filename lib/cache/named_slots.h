// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "cache/engine.h"
#include "lock/owner_lock.h"

namespace carafe {

/// The table of what may not be evicted (layout/named_slot.h). A name has the first slot from its hash on that nobody else has, for as long
/// as the segment lives: so who finds a free one knows that nobody is beyond it. Two names with one hash of 64 bits share a slot, and
/// exclude each other more than they need.
///
/// A slot is held by one thread of one worker. Unlike a stripe's lock it may be held for hours, by code that is not ours: so who waits
/// sleeps until he is woken, and looks every kLookNs whether the holder has died, since nobody tells that.
class NamedSlots {
 public:
  enum class Use : std::uint64_t { kMutex = 0x6d75746578ULL, kOnce = 0x6f6e6365ULL };  // one name may be both

  NamedSlots(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  /// The slot of that name; nullptr where it has none and all are taken.
  [[nodiscard]] NamedSlot* find_or_claim(Use use, std::string_view name) const noexcept;

  /// Holds it for the calling thread, if nobody does or who does is proven dead.
  [[nodiscard]] LockResult try_hold(NamedSlot& slot) const noexcept;
  /// Waits for that: until `deadline_ns`, or the segment is removed.
  [[nodiscard]] LockResult hold(NamedSlot& slot, std::uint64_t deadline_ns) const noexcept;
  /// Sleeps until the holder may have let go or died, but not beyond `deadline_ns`. False when that has come.
  [[nodiscard]] bool wait(NamedSlot& slot, std::uint64_t deadline_ns) const noexcept;

  /// Whether the calling thread holds it. Not in a process forked since.
  [[nodiscard]] bool holds(const NamedSlot& slot) const noexcept;
  /// Wakes so many of those who wait. Does nothing when the calling thread does not hold it.
  void let_go(NamedSlot& slot, int wake) const noexcept;

  static constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};
  /// When a wait of that length ends that begins now, on the clock of now_ns.
  [[nodiscard]] static std::uint64_t deadline_after(std::chrono::duration<double> wait) noexcept;

 private:
  static constexpr std::uint64_t kLookNs = 20'000'000;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe
