// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "carafe/export.h"

namespace carafe {
inline namespace v0 {

/// What an operation has to say. The first block comes from operations on an open cache, the second from opening one
/// (inside carafe::Error). Each line says what to do.
enum class Status : std::uint8_t {
  kOk = 0,          ///< Done.
  kExists,          ///< add: the key has a value already; use it, or set.
  kNotFound,        ///< replace, touch, erase, compare_and_set: no such key (any more).
  kVersionChanged,  ///< compare_and_set: somebody changed the item; read it again and retry.
  kBusy,            ///< The stripe's lock holder is alive but slow (stopped?); nothing was changed. Retry later.
  kTooLarge,        ///< The value exceeds a quarter of the capacity. The key now holds nothing. Raise the capacity or split the value.
  kNoSpace,     ///< Nothing could be evicted in time. After a set the key holds nothing. Raise the capacity, or look for stopped workers.
  kBadKey,      ///< Keys are 1 to 4096 bytes.
  kNotANumber,  ///< increment: the value is not a decimal 64-bit integer, or the sum would overflow. Nothing was changed.
  kCorrupt,     ///< Shared bytes make no sense; treated as a miss. Run `carafe verify`, replace the segment.
  kReadOnly,    ///< The handle was opened read-only; open it with Cache::open to write.
  kRetired,     ///< The segment was removed; the handle moves to a new one of that name as soon as there is one.
  kCannotReopen,  ///< As kRetired, but this process may not open the new segment (user, mode or chroot). Create it with a group and mode 0660.
  kNoWorkerSlot,  ///< This process could not register as a worker: table full (raise Options::max_workers) or the segment's file out of reach.
  kStale,         ///< A fill was outdated by an erase, set, clear or invalidation meanwhile; nothing was stored.
  kBadTag,        ///< Tags are up to 8 of 1 to 256 bytes. Nothing was stored.

  kAbsent = 64,       ///< open: no segment of that name. Create it, or use open_or_create.
  kSegmentExists,     ///< create: the name is taken. Use open, or remove it first.
  kBadName,           ///< Names are 1 to 200 bytes of [A-Za-z0-9._-].
  kBadOption,         ///< An option is out of its range; what() names it.
  kOutOfMemory,       ///< Not enough room in /dev/shm for the capacity. Enlarge it, or use create_anonymous.
  kOverCgroupLimit,   ///< The capacity exceeds what this memory cgroup has left.
  kWrongLayout,       ///< Made by a carafe with another layout version. Remove it, or use that version.
  kWrongBuild,        ///< Same layout version, but built for another ABI (endianness, word size, hash).
  kTruncated,         ///< The file is shorter than its header says. Remove it.
  kNotASegment,       ///< Not a carafe segment (or not even a regular file).
  kNotTrusted,        ///< Owner, mode or an ACL would let others write here. what() names which.
  kNoPermission,      ///< The kernel refused access for this user.
  kForeignNamespace,  ///< Made in another time namespace (or another boot): expiry times would lie.
  kSystem,            ///< A system call failed; what() has its name and errno.
  kNoNamespace,       ///< in: all records of namespaces are taken. Create the segment with a larger Options::max_namespaces, or prune.
};

/// A stable lower-case word for `status`, e.g. "not_found".
CARAFE_EXPORT std::string_view to_string(Status status) noexcept;
/// One line of what to do about it.
CARAFE_EXPORT std::string_view advice(Status status) noexcept;

/// Thrown by opening and creating only; an open cache never throws anything of its own. what() names the segment, the
/// number that mattered and the remedy.
class CARAFE_EXPORT Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& what_arg) : std::runtime_error(what_arg), status_(status) {}
  ~Error() override;
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  Status status_;
};

}  // namespace v0
}  // namespace carafe
