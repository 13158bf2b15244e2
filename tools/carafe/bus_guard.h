// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace carafe::tool {

/// From here on, a segment that is cut short under this process ends it with a clear message and exit code 6 instead of a SIGBUS.
/// Nothing can be saved then: the bytes are gone, and whoever cut the file broke every worker too. `name` is what the message says;
/// call it again for the next segment. For looking verbs, which map without reserving anything.
void guard_against_truncation(std::string_view name) noexcept;

}  // namespace carafe::tool
