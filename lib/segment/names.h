// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace carafe {

inline constexpr std::string_view kSegmentDirectory = "/dev/shm";
inline constexpr std::string_view kSegmentPrefix = "carafe.";

/// Throws Error kBadName unless `name` is 1 to 200 bytes of [A-Za-z0-9._-].
void check_name(std::string_view name);
/// /dev/shm/carafe.<name>
[[nodiscard]] std::string path_of(std::string_view name);

}  // namespace carafe
