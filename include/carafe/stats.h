// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace carafe {
inline namespace v0 {

namespace detail {
[[nodiscard]] constexpr double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}
}  // namespace detail

/// What happened within one rolling window, or since creation.
struct WindowStats {
  std::uint32_t seconds = 0;   ///< Nominal length: 10, 60, 600, 3600.
  double covered_seconds = 0;  ///< Time really covered; less than nominal in a young segment.
  std::uint64_t gets = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t sets = 0;
  std::uint64_t evictions = 0;
  /// hits / gets, 0 to 1; 0 when there were no gets.
  [[nodiscard]] double hit_ratio() const noexcept { return detail::ratio(hits, gets); }
};

/// A snapshot of every counter. Counters never go back, survive the death of the worker that counted, and
/// gets == hits + misses always. Gauges (items, bytes_used ...) are exact at rest; an item whose namespace or tag was invalidated counts
/// until it is collected.
struct Stats {
  // counters, since creation
  std::uint64_t gets = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t sets = 0;                ///< Values stored: set, add, replace, compare_and_set, increment, set_many.
  std::uint64_t erases = 0;              ///< Keys removed by erase (or by a set that keeps nothing).
  std::uint64_t evictions = 0;           ///< Live items pushed out for room.
  std::uint64_t conflict_evictions = 0;  ///< Of these: because both buckets of a key were full and the index could not grow.
  std::uint64_t expirations = 0;         ///< Items collected after their time to live.
  std::uint64_t invalidations = 0;       ///< Items collected after a clear, or after their namespace or a tag was invalidated.
  std::uint64_t clears = 0;
  std::uint64_t lock_waits = 0;        ///< Times a writer had to sleep for a stripe.
  std::uint64_t busy = 0;              ///< Operations that gave up with kBusy.
  std::uint64_t recoveries = 0;        ///< Locks taken over from dead workers.
  std::uint64_t reclaimed_chunks = 0;  ///< Chunks taken back from dead workers.
  std::uint64_t reader_retries = 0;    ///< Reads repeated because a writer was faster.
  std::uint64_t reader_contended = 0;  ///< Reads given up as a miss after all retries.
  std::uint64_t too_large = 0;
  std::uint64_t no_space = 0;
  std::uint64_t corruptions = 0;      ///< Shared bytes that made no sense.
  std::uint64_t pages_moved = 0;      ///< Slab pages that changed their class.
  std::uint64_t index_rebuilds = 0;   ///< A stripe's index grown, shrunk or moved.
  std::uint64_t registrations = 0;    ///< Workers that attached.
  std::uint64_t cannot_reopen = 0;    ///< Attempts to follow a removed segment that this user may not make.
  std::uint64_t loads = 0;            ///< Leases given: values that one caller computed for all.
  std::uint64_t load_waits = 0;       ///< Callers that waited for another one's load.
  std::uint64_t load_take_overs = 0;  ///< Leases taken over from dead workers.
  std::uint64_t lone_loads = 0;       ///< Values computed without a lease: after waiting in vain, or where none could be had.
  std::uint64_t stale_fills = 0;      ///< Fills refused: the key was changed or invalidated meanwhile.
  std::uint64_t stale_hits = 0;       ///< Of the hits: values past their time to live, handed out while a new one was computed.
  std::uint64_t none_hits = 0;        ///< Of the hits: that there is no value, as an answer.
  std::uint64_t failed_loads = 0;     ///< Loaders that threw.
  // gauges
  std::uint64_t items = 0;
  std::uint64_t bytes_used = 0;  ///< Bytes of the chunks that hold these items.
  std::uint64_t capacity_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t pages = 0;
  std::uint64_t pages_free = 0;
  std::uint64_t workers = 0;             ///< Processes attached now (proven alive).
  std::uint64_t uptime_ms = 0;           ///< Since creation.
  bool retired = false;                  ///< Removed; nobody is served from it any more.
  std::array<WindowStats, 4> windows{};  ///< 10 s, 1 min, 10 min, 1 h.
  [[nodiscard]] double hit_ratio() const noexcept { return detail::ratio(hits, gets); }
};

/// One size class.
struct SlabStats {
  std::uint32_t size_class = 0;
  std::uint64_t chunk_bytes = 0;
  bool is_index = false;  ///< Holds tables of the index rather than items.
  std::uint64_t pages = 0;
  std::uint64_t chunks = 0;
  std::uint64_t used = 0;  ///< Chunks that hold an item (or a part of one, or a table).
  std::uint64_t free = 0;
  std::uint64_t claimed = 0;  ///< Being written, or left behind by a dead worker.
  std::uint64_t evictions = 0;
  std::uint64_t moved_in = 0;  ///< Pages received from other classes.
  std::uint64_t moved_out = 0;
  std::uint64_t ghost_hits = 0;  ///< Newcomers that had been thrown out shortly before.
  std::uint64_t probation = 0;   ///< Chunks of newcomers that have to prove themselves.
  std::uint64_t age_ms = 0;      ///< Time of the hand's last turn, about the age of what it evicts; 0 = it has not turned yet.
};

/// Which eviction mode plays, and how the others would do.
struct EvictionStats {
  struct Contender {
    std::string mode;
    double hit_ratio = 0;  ///< Of its shadow cache, over about its last eight times its size of sampled requests.
  };
  std::string mode;                   ///< The one that plays.
  std::vector<Contender> contenders;  ///< Empty when Options::eviction was kClock.
  std::uint64_t sampled_one_in = 0;   ///< Of the keys; 0 = there are no shadows (yet).
  std::uint64_t switches = 0;
  std::uint64_t ghost_hits = 0;  ///< Newcomers that had been thrown out shortly before.
};

/// One slot of the worker table.
struct WorkerStats {
  std::uint32_t slot = 0;
  std::uint32_t incarnation = 0;
  std::int64_t pid = 0;  ///< As seen by the worker itself; for people only.
  std::uint64_t attached_ms_ago = 0;
  bool alive = false;      ///< Proven by its byte lock.
  std::uint64_t gets = 0;  ///< Of this slot, former tenants included.
  std::uint64_t hits = 0;
  std::uint64_t sets = 0;
};

/// What a segment is, as its header says.
struct SegmentInfo {
  std::string name;  ///< Empty for an anonymous segment.
  std::uint64_t capacity_bytes = 0;
  std::uint32_t layout_version = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t pages = 0;
  std::uint64_t stripes = 0;
  std::uint32_t max_workers = 0;
  std::uint32_t max_namespaces = 0;
  std::uint64_t largest_value_bytes = 0;
  std::uint64_t epoch = 0;  ///< Number of clears so far.
  std::int64_t created_unix_seconds = 0;
  std::uint32_t owner_uid = 0;
  std::uint32_t owner_gid = 0;
  std::uint32_t mode = 0;
  bool retired = false;
};

/// What the operating system has made of a segment's memory, as far as it tells this process (0 and empty: it does not).
struct MemoryStats {
  std::uint64_t bytes = 0;            ///< Of the segment as it is mapped.
  std::uint64_t mapped_bytes = 0;     ///< Of these, in the page tables of this process: no page fault. About.
  std::uint64_t huge_bytes = 0;       ///< Of these, on huge pages.
  std::uint64_t huge_page_bytes = 0;  ///< Size of one; 0: this kernel has none.
  std::string huge_policy;            ///< Where the kernel gives them of its own accord: never, within_size, advise, always, deny, force.
  std::uint32_t numa_nodes = 0;       ///< That this process may use.
  std::string numa_policy;            ///< Of the segment: default (the node of who made it), or interleave:0-1.
  std::vector<std::string> refused;   ///< What Options asked of this handle and the kernel refused, with the reason.
};

/// One namespace. Counters since it was made; `items` and `bytes_used` since it was cleared, about: what dies in the middle of a write is
/// counted or not.
struct NamespaceStats {
  std::string name;
  std::string release;  ///< Empty: none.
  std::uint64_t gets = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t sets = 0;
  std::uint64_t evictions = 0;
  std::uint64_t clears = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes_used = 0;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
  [[nodiscard]] double hit_ratio() const noexcept { return detail::ratio(hits, gets); }
};

/// The outcome of walking everything. `problems` has a line for each broken invariant.
struct VerifyReport {
  bool ok = true;
  std::vector<std::string> problems;
  std::uint64_t items = 0;  ///< Of the present epoch, expired ones included.
  std::uint64_t chunks = 0;
  std::uint64_t unreferenced = 0;  ///< Chunks left behind by clears or crashes that the hand has not met yet: no problem.
};

}  // namespace v0
}  // namespace carafe
