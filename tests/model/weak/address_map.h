// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace carafe::weak {

/// Numbers for addresses, forgotten all at once and at no cost: an execution is short, and there are many.
class AddressMap {
 public:
  /// nullptr: has none.
  [[nodiscard]] const std::size_t* find(const void* address) const noexcept {
    const Slot& slot = slots_[place_of(address)];
    return slot.round == round_ ? &slot.number : nullptr;
  }
  void put(const void* address, std::size_t number) {
    if (++used_ * 2 > slots_.size()) grow();
    slots_[place_of(address)] = {address, round_, number};
  }
  void clear() noexcept {
    ++round_;
    used_ = 0;
  }

 private:
  struct Slot {
    const void* address = nullptr;
    std::uint64_t round = 0;
    std::size_t number = 0;
  };

  /// Where it is, or where it would be put (linear probing).
  [[nodiscard]] std::size_t place_of(const void* address) const noexcept {
    std::size_t at = (reinterpret_cast<std::uintptr_t>(address) >> 2) * 0x9e3779b97f4a7c15ULL >> 32;
    for (;; ++at) {
      const Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.round != round_ || slot.address == address) return at & (slots_.size() - 1);
    }
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.round == round_) slots_[place_of(slot.address)] = slot;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::uint64_t round_ = 1;
  std::size_t used_ = 0;
};

}  // namespace carafe::weak
