// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "layout/lock_word.h"
#include "segment/segment_file.h"

namespace carafe {

/// Byte `kByteLockBase + slot` of the segment's file stands for a worker slot. Far beyond the end of the file.
inline constexpr std::int64_t kByteLockBase = std::int64_t{1} << 40;

/// A worker's sign of life: an open-file-description lock on its slot's byte, held by a description of its own that only a
/// one-page mapping keeps open. Not inherited by fork, not lost by closing descriptors, gone with the process however it ends,
/// blind to pid reuse and pid namespaces.
class LifeToken {
 public:
  /// Takes the first free slot's byte, from `first` on. False when all are taken or the file cannot be opened (error says which:
  /// 0 = all taken, else an errno).
  static bool take(const Segment& segment, std::uint32_t slots, std::uint32_t& slot, void*& page, int& error) noexcept;
  static void drop(void* page) noexcept;
};

/// Proof of death. Everything taken from another worker is taken on this proof alone: never by time-out (a stopped process is
/// alive), never by pid.
class Liveness {
 public:
  Liveness() = default;
  explicit Liveness(const Segment& segment) noexcept : segment_(&segment) {}

  /// Whether that incarnation of that slot is proven dead. In doubt it is alive. 0.4 us: two system calls, unless the slot has a
  /// newer tenant.
  [[nodiscard]] bool is_dead(WorkerId id, WorkerId me) const noexcept;
  /// The same for a claim, which has the low 26 bits of the incarnation.
  [[nodiscard]] bool is_claimant_dead(WorkerId id, WorkerId me) const noexcept;
  /// Whether the byte of `slot` is free. In doubt it is not.
  [[nodiscard]] bool is_byte_free(std::uint32_t slot) const noexcept;

 private:
  const Segment* segment_ = nullptr;
};

}  // namespace carafe
