// SPDX-License-Identifier: MIT
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {
namespace {

struct Row {
  Status status;
  std::string_view word;
  std::string_view advice;
};

constexpr Row kRows[] = {
    {Status::kOk, "ok", "done"},
    {Status::kExists, "exists", "the key has a value already: use it, or set"},
    {Status::kNotFound, "not_found", "there is no such key (any more)"},
    {Status::kVersionChanged, "version_changed", "somebody changed the item: read it again and retry"},
    {Status::kBusy, "busy", "the lock's holder is alive but slow (stopped?): retry later"},
    {Status::kTooLarge, "too_large", "the value exceeds a quarter of the capacity: raise the capacity or split the value"},
    {Status::kNoSpace, "no_space", "nothing could be evicted in time: raise the capacity, or look for stopped workers"},
    {Status::kBadKey, "bad_key", "keys are 1 to 4096 bytes"},
    {Status::kNotANumber, "not_a_number", "the value is not a decimal 64-bit integer, or the sum would overflow: nothing was changed"},
    {Status::kCorrupt, "corrupt", "shared bytes make no sense: run carafe verify, replace the segment"},
    {Status::kReadOnly, "read_only", "the handle is read-only: open it with Cache::open to write"},
    {Status::kRetired, "retired", "the segment was removed: the handle moves to a new one of that name once there is one"},
    {Status::kCannotReopen, "cannot_reopen", "this process may not open the new segment: create it with a group and mode 0660"},
    {Status::kNoWorkerSlot, "no_worker_slot",
     "this process could not register as a worker: raise Options::max_workers, or let it reach the segment's file"},
    {Status::kStale, "stale", "outdated meanwhile by an erase, set, clear or invalidation: nothing was stored"},
    {Status::kBadTag, "bad_tag", "tags are up to 8 of 1 to 256 bytes: nothing was stored"},
    {Status::kAbsent, "absent", "no segment of that name: create it, or use open_or_create"},
    {Status::kSegmentExists, "segment_exists", "the name is taken: use open, or remove it first"},
    {Status::kBadName, "bad_name", "names are 1 to 200 bytes of letters, digits, '.', '_' and '-'"},
    {Status::kBadOption, "bad_option", "an option is out of its range"},
    {Status::kOutOfMemory, "out_of_memory", "not enough room in /dev/shm: enlarge it, or use create_anonymous"},
    {Status::kOverCgroupLimit, "over_cgroup_limit", "the capacity exceeds what the memory cgroup has left"},
    {Status::kWrongLayout, "wrong_layout", "made by a carafe with another layout version: remove it, or use that version"},
    {Status::kWrongBuild, "wrong_build", "made by a build of another ABI: remove it, or use one build on this host"},
    {Status::kTruncated, "truncated", "the file is shorter than its header says: remove it"},
    {Status::kNotASegment, "not_a_segment", "not a carafe segment: remove it"},
    {Status::kNotTrusted, "not_trusted", "owner, mode or an ACL would let others write here"},
    {Status::kNoPermission, "no_permission", "the kernel refused access for this user"},
    {Status::kForeignNamespace, "foreign_namespace", "made in another time namespace"},
    {Status::kSystem, "system", "a system call failed"},
    {Status::kNoNamespace, "no_namespace", "all records of namespaces are taken: create the segment with more, or prune"},
};

const Row* find(Status status) noexcept {
  for (const Row& row : kRows)
    if (row.status == status) return &row;
  return nullptr;
}

}  // namespace

std::string_view to_string(Status status) noexcept {
  const Row* row = find(status);
  return row != nullptr ? row->word : "unknown";
}

std::string_view advice(Status status) noexcept {
  const Row* row = find(status);
  return row != nullptr ? row->advice : "made by another version of the library";
}

Error::~Error() = default;

}  // namespace v0
}  // namespace carafe
