// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "layout/segment_header.h"

namespace carafe {

/// Where everything goes in a segment of `capacity_bytes` for `worker_count` workers and `namespace_count` namespaces (0: by capacity),
/// with or without a duel of evictions. A pure function, so that whoever opens a segment can compare what its header says.
[[nodiscard]] Geometry compute_geometry(std::uint64_t capacity_bytes, std::uint64_t worker_count, std::uint64_t namespace_count = 0,
                                        bool duel = true) noexcept;

/// Worker slots when the options do not say: 64 at 1 MiB, 1024 from 64 MiB on.
[[nodiscard]] std::uint64_t default_worker_count(std::uint64_t capacity_bytes) noexcept;

}  // namespace carafe
