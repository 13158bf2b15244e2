// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "../key_table.h"

namespace carafe::replay {

/// What an item takes of the room: 1 where items are counted, else bytes.
using Charge = std::uint64_t;

/// One way to choose what goes when the room is full, simulated. Keys are numbers below the number of objects given to its constructor.
/// One thread. Cost: constant, or nearly so, for each call.
class Policy {
 public:
  virtual ~Policy() = default;
  [[nodiscard]] virtual bool contains(KeyId key) const = 0;
  /// A get found the key.
  virtual void hit(KeyId key) = 0;
  /// A get did not find it: stores it, after pushing out what it must. An item larger than the whole room is not stored.
  virtual void insert(KeyId key, Charge charge) = 0;
  /// Forgets the key, if it is there: deleted, or its time to live is over.
  virtual void erase(KeyId key) = 0;
  /// Called before each request with its position in the trace; only the optimum looks at it.
  virtual void at(std::size_t /*position*/) {}
};

}  // namespace carafe::replay
