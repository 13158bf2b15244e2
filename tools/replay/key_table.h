// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::replay {

using KeyId = std::uint32_t;

/// Numbers the keys of a trace in the order of their first appearance, and remembers their bytes, once each.
/// Cost: the key's bytes and about 20 more.
class KeyTable {
 public:
  /// The number of `key`; a new one when it was not seen before. Throws std::length_error beyond four billion keys.
  KeyId number(std::string_view key);
  [[nodiscard]] std::string_view bytes(KeyId id) const noexcept {
    return std::string_view(arena_).substr(starts_[id], starts_[id + 1] - starts_[id]);
  }
  [[nodiscard]] std::size_t size() const noexcept { return starts_.size() - 1; }

 private:
  void grow();

  std::string arena_;
  std::vector<std::uint64_t> starts_{0};  // of each key in the arena, and the arena's end
  std::vector<KeyId> slots_;              // open addressing; number + 1, 0 = empty; at most three quarters full
};

}  // namespace carafe::replay
