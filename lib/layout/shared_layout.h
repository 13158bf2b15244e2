// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/atomic.h"

namespace carafe {

/// Our own 64: GCC warns that the standard constant varies with -mtune, and this one is part of the layout.
inline constexpr std::size_t kCacheLineBytes = 64;

/// What a struct must be to live in the segment: no vtable, no destructor, and no hidden padding (the third condition
/// refuses even tail padding from alignas: spell `reserved`). It does not see raw pointers; the tests map every segment at
/// two addresses for that.
template <typename T>
concept SharedLayout = std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T> && std::has_unique_object_representations_v<T>;

static_assert(Atomic<std::uint64_t>::is_always_lock_free && Atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(Atomic<std::uint64_t>) == 8 && sizeof(Atomic<std::uint32_t>) == 4);

}  // namespace carafe
