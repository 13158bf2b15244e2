// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

/// Versions of the library and of the segment's layout. They move independently: a segment is refused when its layout
/// version differs from ours, whatever the library versions are.
namespace carafe {
inline namespace v0 {

inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;
inline constexpr const char* kVersionText = "0.1.0";

/// Raised whenever a byte of the segment changes its meaning; CHANGELOG.md has a *Layout* entry for each.
inline constexpr std::uint32_t kLayoutVersion = 5;

}  // namespace v0
}  // namespace carafe
