// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "carafe/stats.h"
#include "context.h"
#include "output.h"

namespace carafe::tool {

[[nodiscard]] Json memory_json(const MemoryStats& memory);
/// One line: how much of a segment is on huge pages, on which NUMA nodes it may lie, and what could be better.
[[nodiscard]] std::string memory_text(const Context& context, const MemoryStats& memory);

}  // namespace carafe::tool
