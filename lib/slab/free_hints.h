// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "layout/limits.h"
#include "layout/worker_slot.h"

namespace carafe {

/// Chunks that this process freed lately, by class: the next set of that size takes one back without looking further. Private
/// memory, and a hint only: the chunks are free in the segment as well, and anyone may take them first.
class FreeHints {
 public:
  /// False when there is no room.
  bool push(std::uint32_t lane, std::uint32_t size_class, std::uint32_t page, std::uint32_t index) noexcept {
    const std::uint64_t value = ((std::uint64_t{page} << 32) | index) + 1;
    for (auto& slot : slots_[lane][size_class]) {
      std::uint64_t none = 0;
      if (slot.load(kRelaxed) == 0 && slot.compare_exchange_strong(none, value, kRelaxed)) return true;
    }
    return false;
  }
  [[nodiscard]] bool has(std::uint32_t lane, std::uint32_t size_class) const noexcept {
    const auto& slots = slots_[lane][size_class];
    return (slots[0].load(kRelaxed) | slots[1].load(kRelaxed)) != 0;
  }
  bool pop(std::uint32_t lane, std::uint32_t size_class, std::uint32_t& page, std::uint32_t& index) noexcept {
    for (auto& slot : slots_[lane][size_class]) {
      if (slot.load(kRelaxed) == 0) continue;
      const std::uint64_t value = slot.exchange(0, kRelaxed);
      if (value == 0) continue;
      page = static_cast<std::uint32_t>((value - 1) >> 32);
      index = static_cast<std::uint32_t>(value - 1);
      return true;
    }
    return false;
  }

 private:
  Atomic<std::uint64_t> slots_[kCounterLanes][kMaxClasses][2] = {};
};

}  // namespace carafe
