// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "expiry/ttl.h"
#include "layout/item.h"

namespace carafe {

/// What an item is to be, besides its key and value.
struct ItemTraits {
  Expiry expiry;            // when it is gone for everybody
  std::uint64_t kinds = 0;  // of Extension
  std::uint64_t soft = 0;   // Extension::soft, with kSoft
  std::uint64_t stamp = 0;  // when it was begun: before what it was computed from was read
  std::uint8_t tag_count = 0;
  std::array<std::uint16_t, kMaxItemTags> tags{};

  /// The first word of its extension; 0: it needs none.
  [[nodiscard]] std::uint64_t extension(std::uint32_t space) const noexcept {
    return kinds == 0 && tag_count == 0 && space == 0 ? 0 : Extension::make(kinds, tag_count, space, stamp);
  }
};

}  // namespace carafe
