// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/weak/address_map.h"
#include "model/weak/choices.h"
#include "model/weak/view.h"

namespace carafe::weak {

/// What one thread knows.
struct Perspective {
  View seen;               // what it may not read anything older than
  View pending;            // what its relaxed loads met, for an acquire fence to come
  std::size_t fenced = 0;  // number of the view at its last release fence, which its relaxed stores carry
};

/// Memory as C++20 sees it, without seq_cst and without reads from stores still to come (happens-before and reads-from together have no
/// cycle, as in RC11). After the view machine of promising semantics (Kang et al., POPL 2017), less the promises:
///
///   a location is its stores, in modification order. A store carries the view of its thread (release), or the one of that thread's last
///   release fence (relaxed). A load takes any store that its thread's view does not exclude, and joins that store's view: at once
///   (acquire), or at the next acquire fence (relaxed). A store may be put before stores of others that its thread does not know of,
///   unless that would part a read-modify-write from what it read.
///
/// What was in memory before is each location's first store, known to all. Nothing is written to memory: an execution is forgotten by
/// forgetting its stores.
class Memory {
 public:
  explicit Memory(Choices& choices) : choices_(choices), views_(1) {}

  void forget();

  /// With `newest`, only the last store is looked at (where reading an older one would mean no more than to try again).
  std::uint64_t load(const void* at, unsigned bytes, std::memory_order order, Perspective& me, bool newest);
  void store(const void* at, unsigned bytes, std::uint64_t value, std::memory_order order, Perspective& me);
  /// Reads what `decide(value)` accepts and writes what it says; a load if it says no. Returns the value read.
  struct Decision {
    bool write = true;
    std::uint64_t value = 0;
  };
  std::uint64_t change(const void* at, unsigned bytes, std::memory_order success, std::memory_order failure, Perspective& me, bool newest,
                       const std::function<Decision(std::uint64_t)>& decide);
  void fence(std::memory_order order, Perspective& me);

  /// How many stores a location has seen; changes with each.
  [[nodiscard]] std::size_t stores(const void* at) const;
  /// The last store's value.
  [[nodiscard]] std::uint64_t newest(const void* at, unsigned bytes) const;
  /// Of the load just made: whether a newer store was there.
  [[nodiscard]] bool was_stale() const noexcept { return stale_; }

 private:
  struct Store {
    Time time;
    std::uint64_t value;
    std::size_t view;  // number
    bool glued;        // written by a read-modify-write, that read the one before
  };
  struct Location {
    std::vector<Store> stores;  // in modification order, the first is what was there before
  };

  std::size_t number_of(const void* at, unsigned bytes);
  void read(std::size_t location, const Store& store, std::memory_order order, Perspective& me);
  void insert(std::size_t location, std::size_t after, std::uint64_t value, std::size_t view, bool glued, Perspective& me);
  std::size_t keep(const View& view);

  Choices& choices_;
  AddressMap numbers_;
  std::vector<Location> locations_;
  std::size_t used_ = 0;     // of locations_: their vectors are kept for the next execution
  std::vector<View> views_;  // 0 is the empty one
  std::size_t views_used_ = 1;
  std::vector<std::size_t> candidates_;
  bool stale_ = false;
};

/// Plain memory.
[[nodiscard]] std::uint64_t peek(const void* at, unsigned bytes) noexcept;

}  // namespace carafe::weak
