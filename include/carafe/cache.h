// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "carafe/export.h"
#include "carafe/keyspace.h"
#include "carafe/namespace.h"
#include "carafe/options.h"
#include "carafe/stats.h"
#include "carafe/warm_once.h"

namespace carafe {
inline namespace v0 {

/// A cache that all processes of a host share: a handle on one shared-memory segment.
///
/// Who may call:  as Keyspace says. Moving or destroying the handle itself is for one thread, as with any object.
/// Errors:        the static functions and in() throw carafe::Error; afterwards nothing does.
/// Death:         a process may be killed at any instruction of any function here. Others lose at most the one entry
///                it was writing.
class CARAFE_EXPORT Cache : public Keyspace {
 public:
  /// Makes the segment `name`; Error kSegmentExists when there is one. It appears complete or not at all.
  [[nodiscard]] static Cache create(std::string_view name, const Options& options = {});
  /// Opens the segment `name`; Error kAbsent when there is none.
  static Cache open(std::string_view name, const Options& options = {});
  /// Opens it, or makes it; when two processes race, one makes it and both get the same.
  [[nodiscard]] static Cache open_or_create(std::string_view name, const Options& options = {});
  /// Makes a segment without a name, for a process and the children it forks. It ends with the last of them. Not bound by
  /// the size of /dev/shm.
  [[nodiscard]] static Cache create_anonymous(const Options& options = {});
  /// Opens for looking only: maps read-only, takes no worker slot, counts nothing, changes not one byte.
  [[nodiscard]] static Cache open_read_only(std::string_view name, const Options& options = {});
  /// Retires and unlinks the segment `name`: everybody who has it open misses from the next operation on. False when there
  /// was none. Throws kNoPermission, kNotTrusted or kBadName.
  static bool remove(std::string_view name, const Options& options = {});

  Cache(Cache&&) noexcept;
  Cache& operator=(Cache&&) noexcept;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  /// Detaches; never removes the segment.
  ~Cache();

  /// The namespace `name`, made on first use: the same verbs on a key space of its own, with counters, a quota and an O(1) clear of its
  /// own. Throws Error kBadName (names are 1 to 88 bytes, releases 0 to 40), kNoNamespace, kBusy, kRetired, kNoWorkerSlot; a read-only
  /// handle gets one that only misses where there is none. Must not outlive the Cache. About 100 ns once it is there.
  [[nodiscard]] Namespace in(std::string_view name, const NamespaceOptions& options = {});
  /// Every namespace there is. Some microseconds a hundred.
  [[nodiscard]] std::vector<NamespaceStats> namespaces() const;
  /// Drops one, values, counters and all. Whoever still uses it finds it empty, and makes it anew by a write or a load. False when there is
  /// none.
  bool drop_namespace(std::string_view name, std::string_view release = {}) noexcept;
  /// Drops every namespace whose release is another one than `kept`; those without a release stay. Returns how many went. For the end of a
  /// deploy.
  std::uint64_t prune_releases(std::string_view kept) noexcept;

  /// Every item with that tag, in whatever namespace, is gone for every process when this returns, and no value that is being computed for
  /// one will be stored. Two stores, however many they are. Tags share places by a hash (8192 of them at 64 MiB): an item that shares the
  /// place of an invalidated tag goes too, one in 8192, and is loaded again. kBadTag, kReadOnly, kRetired.
  Status invalidate_tag(std::string_view tag) noexcept;

  /// Everything stored before is gone for every process when this returns. O(1); the space comes back as it is needed.
  void clear() noexcept;

  /// Runs work(*this) once for all processes: kDone; or it was done since the last clear, kAlready; or another one is at it, kElsewhere
  /// after WarmOptions::wait. No lock is held meanwhile on anything else. An exception of the work comes through here; then, as when its
  /// process dies, it is not done, and the next caller runs it. Within the work the same label is elsewhere. On a read-only handle or a
  /// removed segment nothing can be stored, so nothing runs (kElsewhere); without a place or a worker slot it runs each time, since twice
  /// is better than never. Labels are any bytes, told apart by a hash of 64 bits; each takes one of the places that NamedMutex speaks of,
  /// for as long as the segment lives. 0.1 us when it was done.
  template <typename Work>
  WarmUp warm_once(std::string_view label, Work&& work, const WarmOptions& options = {}) {
    return run_once(
        label, [this, &work] { work(*this); }, options);
  }

  /// Fills the page tables of this process as Populate::kAtOpening does, and sees to huge pages if Options::pages says so. For a forked child
  /// before it serves: page tables of shared memory are not inherited.
  void populate() noexcept;

  /// Every counter; a few microseconds.
  [[nodiscard]] Stats stats() const;
  /// Size classes, index classes included. Walks the ownership words: milliseconds a GiB.
  [[nodiscard]] std::vector<SlabStats> slabs() const;
  /// Which eviction mode plays and how the others would do. About 1 us.
  [[nodiscard]] EvictionStats eviction() const;
  /// Slots in use, live or dead.
  [[nodiscard]] std::vector<WorkerStats> workers() const;
  [[nodiscard]] SegmentInfo info() const;
  /// Huge pages and NUMA, by /proc and /sys. Touches a byte in each 2 MiB; a millisecond a GiB.
  [[nodiscard]] MemoryStats memory() const;
  /// Walks everything and checks every invariant, beside running workers too. Seconds a GiB; changes nothing.
  [[nodiscard]] VerifyReport verify() const;

 private:
  friend class NamedMutex;
  WarmUp run_once(std::string_view label, const std::function<void()>& work, const WarmOptions& options);
  explicit Cache(std::unique_ptr<detail::Handle> handle) noexcept;

  std::unique_ptr<detail::Handle> owned_;
};

}  // namespace v0
}  // namespace carafe
