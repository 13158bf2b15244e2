// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

/// Which record a namespace has: as long as the record's incarnation is that, it is the namespace's.
struct NamespaceId {
  std::uint32_t number = 0;  // 0: none
  std::uint32_t incarnation = 0;
  explicit operator bool() const noexcept { return number != 0; }
};

}  // namespace carafe
