// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"

namespace carafe {

/// Why a chunk may be taken.
enum class EvictWhen : std::uint8_t {
  kCold,    ///< Its counter is zero (or it is dead); else the counter goes down by one.
  kAnyway,  ///< Whatever its counter says.
  kDead,    ///< Only when expired, outdated or unreferenced.
};

/// Takes chunks away from what they hold, one at a time. The page's lock must be held throughout; the stripe's is tried within.
class Evictor {
 public:
  Evictor(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  /// Looks at `chunk` and claims it if it is free, left behind by a dead worker, or may be evicted. Empty otherwise.
  [[nodiscard]] Claim try_take(const Chunk& chunk, EvictWhen when) const noexcept;
  /// The CLOCK counter of what the chunk holds, as far as can be told without a lock; 0 for anything dead, 4 where it cannot be evicted.
  [[nodiscard]] std::uint32_t peek_counter(const Chunk& chunk) const noexcept;

 private:
  Claim take_linked(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept;
  Claim take_part(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept;
  Claim take_table(const Chunk& chunk, std::uint64_t seen) const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe
