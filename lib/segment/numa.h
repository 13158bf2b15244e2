// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "segment/mapping.h"

namespace carafe {

/// NUMA nodes from which this process may take memory; 0: the kernel does not say.
[[nodiscard]] std::uint32_t allowed_nodes() noexcept;

/// Has the pages that `mapping` is given from now on spread over these nodes, whichever process touches them. Returns why not; empty: done.
[[nodiscard]] std::string interleave(const Mapping& mapping);

}  // namespace carafe
