// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "carafe/options.h"
#include "crew.h"
#include "simulate.h"
#include "trace.h"

namespace carafe::replay {

/// One size to try: a share of what the trace has of objects (or bytes), or a number of them.
struct WantedRoom {
  std::optional<double> fraction;
  std::uint64_t amount = 0;  ///< Where there is no fraction.
};

struct Settings {
  std::vector<WantedRoom> rooms;
  bool by_bytes = false;                ///< Real sizes, room in bytes; else items of one size, room in items.
  std::vector<std::string> policies;    ///< "carafe", "opt" and names of policy_kinds, in the order of the report.
  std::uint64_t value_bytes = 100;      ///< Of every value where the trace has no sizes, or by_bytes is false.
  std::uint64_t overhead = 56;          ///< Bytes charged to each item of a simulated policy beyond its value, where room is in bytes.
  Eviction eviction = Eviction::kDuel;  ///< Of carafe's segments.
  CrewPlan crew;
  bool real_time = false;  ///< carafe's clock is the machine's, though the trace has times.
  bool refill = false;     ///< Afterwards clear, fill with items of one size, and compare with a fresh segment.
};

/// How many items of one size a segment holds after a replay and a clear, and a fresh one of the same size.
struct Refill {
  std::uint64_t items = 0;
  std::uint64_t fresh_items = 0;
};

/// How one policy did in one room.
struct PolicyResult {
  std::string policy;
  std::string title;
  Outcome outcome;
  bool is_bound = false;  ///< No policy has fewer misses, and maybe none has so few.
};

/// One room: what it was, and how each policy did in it.
struct RoomResult {
  std::optional<double> fraction;
  bool by_bytes = false;
  std::uint64_t wanted = 0;          ///< Items or bytes asked for.
  std::uint64_t room = 0;            ///< Items or bytes that all policies had: items as measured in a segment, when carafe took part.
  std::uint64_t capacity_bytes = 0;  ///< Of carafe's segment; 0 without.
  std::uint64_t value_bytes = 0;     ///< Of its values where all are alike; else 0.
  std::vector<PolicyResult> policies;
  std::optional<CrewResult> carafe;
  std::optional<Refill> refill;
  std::string skipped;  ///< Why this room could not be had; nothing else is set then.
};

/// What is going on, for a person who waits: a sentence, the amount done and the whole amount (0: unknown).
using Watcher = std::function<void(const std::string& what, std::uint64_t done, std::uint64_t whole)>;

/// Replays the trace in every room under every policy. Throws Failure (6) when carafe's segment fails verification afterwards, or gave
/// back another key's value.
[[nodiscard]] std::vector<RoomResult> run_experiment(const Trace& trace, const Settings& settings, const Watcher& watcher);

}  // namespace carafe::replay
