// SPDX-License-Identifier: MIT
#include "all.h"

#include <algorithm>
#include <array>

namespace carafe::replay {
namespace {

constexpr std::array kKinds = {
    PolicyKind{"lru", "LRU", &make_lru},          PolicyKind{"fifo", "FIFO", &make_fifo},
    PolicyKind{"clock1", "CLOCK1", &make_clock1}, PolicyKind{"clock2", "CLOCK2", &make_clock2},
    PolicyKind{"s3fifo", "S3FIFO", &make_s3fifo}, PolicyKind{"sieve", "SIEVE", &make_sieve},
    PolicyKind{"arc", "ARC", &make_arc},          PolicyKind{"wtinylfu", "WTINYLFU", &make_wtinylfu},
};

}  // namespace

std::span<const PolicyKind> policy_kinds() noexcept { return kKinds; }

const PolicyKind* find_policy(std::string_view name) noexcept {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const PolicyKind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

}  // namespace carafe::replay
