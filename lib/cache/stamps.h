// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "cache/engine.h"

namespace carafe {

/// The number that something begun now bears (layout/namespace_record.h). To be taken before what it is to be computed from is read.
[[nodiscard]] inline std::uint64_t stamp_now(const View& view) noexcept { return view.header().stamp.load(kAcquire); }

/// Where a tag falls in the table of tags. Two tags that meet there are invalidated together: of n places one in n.
[[nodiscard]] std::uint16_t tag_place(const Engine& engine, std::string_view tag) noexcept;

/// All items with a tag at `place`, or in namespace `number`, that were begun before are gone for everybody when this returns.
void invalidate_tag(const Engine& engine, std::uint16_t place) noexcept;
void invalidate_namespace(const Engine& engine, std::uint32_t number) noexcept;

/// Raises the segment's epoch: everything stored before is outdated.
void invalidate_all(const Engine& engine) noexcept;

/// The number of an invalidation that begins now, not yet written down for whom. At the last one everything is invalidated instead.
[[nodiscard]] std::uint64_t begin_invalidation(const Engine& engine) noexcept;

}  // namespace carafe
