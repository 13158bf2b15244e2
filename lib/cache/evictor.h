// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"

namespace carafe {

/// Why a chunk may be taken.
enum class EvictWhen : std::uint8_t {
  kCold,      ///< Its counter is zero (or it is dead); else the counter goes down by one, and the sketch hears of it.
  kAnyway,    ///< Whatever its counter says.
  kUnproven,  ///< Its counter is zero (or it is dead), at the end of a probation: its key's ghost stays.
  kDead,      ///< Only when expired, outdated or unreferenced.
};

/// Takes chunks away from what they hold, one at a time. The page's lock must be held throughout; the stripe's is tried within.
class Evictor {
 public:
  Evictor(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  /// Looks at `chunk` and claims it if it is free, left behind by a dead worker, or may be evicted. Empty otherwise.
  [[nodiscard]] Claim try_take(const Chunk& chunk, EvictWhen when) const noexcept;
  /// Sets the counter of what the chunk holds back to zero: its probation ends and it begins again, among those that may stay.
  void clear_counter(const Chunk& chunk) const noexcept {
    change_counter(chunk, [](std::uint64_t word) { return word & ~Entry::kCounterMask; });
  }
  /// One less, as when a hand passes.
  void lower_counter(const Chunk& chunk) const noexcept {
    change_counter(chunk, [](std::uint64_t word) { return word - 1; });
  }
  /// The CLOCK counter of what the chunk holds, as far as can be told without a lock; 0 for anything dead.
  [[nodiscard]] std::uint32_t peek_counter(const Chunk& chunk) const noexcept;
  static constexpr std::uint32_t kNotEvictable = 4;  ///< Free, being written, or a table.
  /// Whether an item's chunk is linked without an entry, as far as can be told without a lock: what a death leaves, or a clear; or the
  /// item was invalidated.
  [[nodiscard]] bool is_nobodys(const Chunk& chunk) const noexcept;

 private:
  [[nodiscard]] bool holds_item(const Chunk& chunk, std::uint64_t seen) const noexcept;
  [[nodiscard]] Atomic<std::uint64_t>* find_entry(const Chunk& chunk, std::uint64_t seen) const noexcept;
  void change_counter(const Chunk& chunk, std::uint64_t (*changed)(std::uint64_t)) const noexcept;
  Claim take_linked(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept;
  Claim take_part(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept;
  Claim take_table(const Chunk& chunk, std::uint64_t seen) const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe
