// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "../trace.h"
#include "policy.h"

namespace carafe::replay {

/// What a policy is made for.
struct Room {
  std::size_t objects = 0;  ///< Different keys of the trace.
  Charge capacity = 0;      ///< Items or bytes; what `charge` of Policy::insert counts.
};

/// A name on the command line and in JSON, one for tables, and how it is made.
struct PolicyKind {
  std::string_view name;
  std::string_view title;
  std::unique_ptr<Policy> (*make)(const Room& room);
};

/// All but the optimum, which has to know the trace: see optimum.h.
[[nodiscard]] std::span<const PolicyKind> policy_kinds() noexcept;
/// The kind of that name, or null.
[[nodiscard]] const PolicyKind* find_policy(std::string_view name) noexcept;

/// Least recently used goes first.
[[nodiscard]] std::unique_ptr<Policy> make_lru(const Room& room);
/// First in, first out.
[[nodiscard]] std::unique_ptr<Policy> make_fifo(const Room& room);
/// A hand over a ring, with a counter of one or two bits an item (Corbato 1968).
[[nodiscard]] std::unique_ptr<Policy> make_clock1(const Room& room);
[[nodiscard]] std::unique_ptr<Policy> make_clock2(const Room& room);
/// SIEVE (Zhang et al., NSDI '24).
[[nodiscard]] std::unique_ptr<Policy> make_sieve(const Room& room);
/// S3-FIFO (Yang et al., SOSP '23): 10 % small, two hits to move on, ghosts for nine tenths of the room.
[[nodiscard]] std::unique_ptr<Policy> make_s3fifo(const Room& room);
/// ARC (Megiddo and Modha, FAST '03).
[[nodiscard]] std::unique_ptr<Policy> make_arc(const Room& room);
/// W-TinyLFU with a window that climbs the hill (Einziger et al. 2017 and 2018, as in Caffeine).
[[nodiscard]] std::unique_ptr<Policy> make_wtinylfu(const Room& room);

}  // namespace carafe::replay
