// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "policy.h"

namespace carafe::replay {

inline constexpr KeyId kNobody = std::numeric_limits<KeyId>::max();

/// Some queues of keys, newest to oldest; a key lies in one of them at most. All operations are O(1); 25 bytes a key.
class Shelves {
 public:
  using Shelf = std::uint8_t;  // 0 to shelves - 1
  static constexpr Shelf kNowhere = 0xff;

  Shelves(std::size_t objects, std::size_t shelves) : nodes_(objects), ends_(shelves) {}

  [[nodiscard]] Shelf where(KeyId key) const noexcept { return nodes_[key].shelf; }
  [[nodiscard]] bool is_on(Shelf shelf, KeyId key) const noexcept { return nodes_[key].shelf == shelf; }
  [[nodiscard]] Charge charge_of(KeyId key) const noexcept { return nodes_[key].charge; }
  [[nodiscard]] Charge charge(Shelf shelf) const noexcept { return ends_[shelf].charge; }
  [[nodiscard]] bool empty(Shelf shelf) const noexcept { return ends_[shelf].oldest == kNobody; }
  [[nodiscard]] KeyId oldest(Shelf shelf) const noexcept { return ends_[shelf].oldest; }
  /// The next younger one of the same shelf; kNobody for the newest.
  [[nodiscard]] KeyId younger(KeyId key) const noexcept { return nodes_[key].younger; }

  /// Puts a key that is nowhere on a shelf, as its newest.
  void push(Shelf shelf, KeyId key, Charge charge) noexcept {
    Ends& ends = ends_[shelf];
    nodes_[key] = {kNobody, ends.newest, charge, shelf};
    if (ends.newest != kNobody) nodes_[ends.newest].younger = key;
    if (ends.oldest == kNobody) ends.oldest = key;
    ends.newest = key;
    ends.charge += charge;
  }
  /// Takes a key from where it is.
  void take(KeyId key) noexcept {
    Node& node = nodes_[key];
    Ends& ends = ends_[node.shelf];
    (node.younger != kNobody ? nodes_[node.younger].older : ends.newest) = node.older;
    (node.older != kNobody ? nodes_[node.older].younger : ends.oldest) = node.younger;
    ends.charge -= node.charge;
    node.shelf = kNowhere;
  }
  /// Makes it the newest of a shelf, of the same or another one.
  void move(Shelf shelf, KeyId key) noexcept {
    const Charge charge = charge_of(key);
    take(key);
    push(shelf, key, charge);
  }

 private:
  struct Node {
    KeyId younger = kNobody;
    KeyId older = kNobody;
    Charge charge = 0;
    Shelf shelf = kNowhere;
  };
  struct Ends {
    KeyId newest = kNobody;
    KeyId oldest = kNobody;
    Charge charge = 0;
  };

  std::vector<Node> nodes_;
  std::vector<Ends> ends_;
};

}  // namespace carafe::replay
