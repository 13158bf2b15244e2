// SPDX-License-Identifier: MIT
#include "key_table.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

namespace carafe::replay {
namespace {

std::size_t hash_of(std::string_view key) noexcept { return std::hash<std::string_view>{}(key); }

}  // namespace

KeyId KeyTable::number(std::string_view key) {
  if (slots_.size() * 3 <= (size() + 1) * 4) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_of(key) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (bytes(slots_[at] - 1) == key) return slots_[at] - 1;
  }
  if (size() + 2 > std::numeric_limits<KeyId>::max()) throw std::length_error("more than four billion different keys");
  const auto id = static_cast<KeyId>(size());
  arena_ += key;
  starts_.push_back(arena_.size());
  slots_[at] = id + 1;
  return id;
}

void KeyTable::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), 0);
  const std::size_t mask = slots_.size() - 1;
  for (KeyId id = 0; id < size(); ++id) {
    std::size_t at = hash_of(bytes(id)) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = id + 1;
  }
}

}  // namespace carafe::replay
