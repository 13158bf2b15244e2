// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "context.h"

namespace carafe::tool {

/// carafe stat -w: rates, one line per interval like vmstat; with --json one object per line. Ends after `count` lines (0: never),
/// on an interrupt (code 0), when nobody reads any more, or when the segment is removed and no other takes its name (code 3).
int watch(const Context& context, const std::string& name, double interval_seconds, std::uint64_t count);

}  // namespace carafe::tool
