// SPDX-License-Identifier: MIT
#pragma once

#include "carafe/stats.h"
#include "segment/segment_file.h"

namespace carafe {

/// What /proc and /sys say of the segment's memory; `refused` has what is known of its making.
[[nodiscard]] MemoryStats report_memory(const Segment& segment);

}  // namespace carafe
