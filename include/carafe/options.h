// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "carafe/tags.h"

namespace carafe {
inline namespace v0 {

/// A time to live without an end.
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

/// Who has to go when there is no room.
enum class Eviction : std::uint8_t {
  kDuel,   ///< Four CLOCKs compete on a sample of the keys, and the best one is played (docs/design.md, *Eviction*).
  kClock,  ///< CLOCK with two bits an item and nothing else, for comparison. Takes no memory for advice.
};

/// Which pages of the operating system hold a segment. A huge one spares most misses of the TLB, and page tables in every process. Never an
/// error: what the kernel refused is in Cache::memory().
enum class Pages : std::uint8_t {
  kAuto,   ///< Huge ones where the kernel gives them of its own accord or finds them already, which costs nothing.
  kSmall,  ///< Mapped as small ones by this process.
  kHuge,  ///< Huge ones now: who opens the segment collects its small pages into them (Linux 6.1), once for all processes. 1 to 7 ms for 2 MiB.
};

/// When this process's page tables are filled, so that no get or set meets a page fault. 0.2 to 0.6 s a GiB, and a second more for who is first
/// in a new segment, since its pages are zeroed then; on huge pages a millisecond. A forked child has page tables of its own to fill:
/// Cache::populate.
enum class Populate : std::uint8_t {
  kNone,          ///< By the first touch of each page.
  kAtOpening,     ///< Before create or open returns.
  kInBackground,  ///< By a thread, which ends when it is done or the handle goes.
};

/// How a segment is made. Only `capacity_bytes` needs thought. A process that opens an existing segment takes its geometry
/// from the segment: there, only `trusted_uid`, `lock_wait`, `pages` and `populate` of its options matter.
struct Options {
  /// Bytes of the whole segment, everything counted. 1 MiB to 1 TiB, default 64 MiB. Reserved in full when created.
  std::size_t capacity_bytes = std::size_t{64} << 20;

  /// Permission bits of a named segment: 0600 (default) or 0660. Who opens one of 0660 says so here too.
  unsigned mode = 0600;

  /// Group name or decimal gid that owns the segment when mode is 0660. Default: the process's own.
  std::string group{};

  /// Whose segments are trusted besides our own effective user's and root's: a uid, or -1 for nobody else (default).
  /// A worker with write access can scribble on its peers' cache, so this is a decision about trust.
  std::int64_t trusted_uid = -1;

  /// Most processes attached at once (slots are reclaimed by themselves when a process is gone). 0 (default) = by
  /// capacity: 64 at 1 MiB to 1024 from 64 MiB on. Range 4 to 4096.
  std::uint32_t max_workers = 0;

  /// Most namespaces (Cache::in) at once. 0 (default) = by capacity: 16 at 1 MiB, 512 at 64 MiB, 4096 from 512 MiB on; 384 bytes each.
  /// Range 1 to 65535.
  std::uint32_t max_namespaces = 0;

  /// What is evicted when a set needs room. Of a new segment; an existing one goes on as it was made.
  Eviction eviction = Eviction::kDuel;

  /// How long a write waits for a stripe whose holder is alive but slow, before kBusy. Default 20 ms, range 1 ms to 10 s.
  std::chrono::milliseconds lock_wait{20};

  /// Huge pages or small ones. Of handles that write; those that only look take what is there.
  Pages pages = Pages::kAuto;

  /// Filling page tables beforehand. Of handles that write. A handle that follows its name to a new segment does it in the background.
  Populate populate = Populate::kNone;

  /// Spreads a new segment over the NUMA nodes that this process may use. Otherwise the kernel takes all of it from the node on which the creator
  /// runs, while there is room. Where there is one node, or the kernel refuses, nothing happens, and Cache::memory() says why.
  bool interleave = false;
};

/// How one value is stored. Fields will be added; use designated initialisers.
struct SetOptions {
  /// Time to live, in milliseconds. kForever never expires; zero or less is already expired: not kept, and what the key
  /// held is gone. Expiry is noticed within one tick of the coarse clock (4 ms).
  std::chrono::milliseconds ttl = kForever;

  /// What the value belongs to: whoever invalidates one of them invalidates it.
  Tags tags{};
};

/// A namespace (Cache::in).
struct NamespaceOptions {
  /// Tells apart what old and new code keep under the same name while both run. 0 to 40 bytes.
  std::string_view release{};

  /// Bytes of values that the namespace may hold; then it evicts its own. 0 (default): no quota, or the one that it has already.
  std::uint64_t quota_bytes = 0;
};

}  // namespace v0
}  // namespace carafe
