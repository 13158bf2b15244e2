// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <vector>

#include "base/time.h"
#include "carafe/status.h"
#include "carafe/version.h"
#include "layout/geometry.h"
#include "segment/failed_call.h"
#include "segment/fingerprint.h"
#include "segment/names.h"
#include "segment/numa.h"
#include "segment/segment_file.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace carafe {
namespace {

[[noreturn]] void fail(Status status, const std::string& what, const std::string& why) {
  throw Error(status, "carafe: cannot create " + what + ": " + why);
}

gid_t group_id(const std::string& group, const std::string& what) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), number);
  if (error == std::errc{} && end == group.data() + group.size()) return static_cast<gid_t>(number);
  std::vector<char> buffer(16384);
  struct ::group entry {};
  struct ::group* found = nullptr;
  if (::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    fail(Status::kBadOption, what, "there is no group \"" + group + "\"; Options::group is a group's name or decimal gid");
  return found->gr_gid;
}

[[noreturn]] void fail_full(const Options& options, const std::string& what, const std::string& why) {
  fail(Status::kOutOfMemory, what,
       "no room for capacity_bytes " + std::to_string(options.capacity_bytes) + " (" + why +
           "); lower the capacity, enlarge /dev/shm (mount -o remount,size=...), or use create_anonymous");
}

void reserve(int fd, const Options& options, const std::string& what) {
  // Asked first: a reservation that fails half-way has filled memory until it does.
  struct statvfs fs {};
  if (::fstatvfs(fd, &fs) == 0 && fs.f_blocks != 0 && std::uint64_t{fs.f_bavail} * fs.f_frsize < options.capacity_bytes)
    fail_full(options, what, std::to_string(std::uint64_t{fs.f_bavail} * fs.f_frsize) + " bytes are free");
  // In slices, since a signal makes the kernel begin a slice anew.
  constexpr std::uint64_t kSlice = 16 << 20;
  for (std::uint64_t at = 0; at < options.capacity_bytes; at += kSlice) {
    int error = 0;
    do error = ::posix_fallocate(fd, static_cast<off_t>(at), static_cast<off_t>(std::min(kSlice, options.capacity_bytes - at)));
    while (error == EINTR);
    if (error == ENOSPC || error == ENOMEM || error == EFBIG) fail_full(options, what, std::strerror(error));
    if (error != 0) fail(Status::kSystem, what, failed_call("posix_fallocate", error));
  }
}

void set_mode(int fd, const Options& options, const std::string& what) {
  // Inherited from a default ACL of the folder, it would let others in whatever the mode says.
  constexpr const char* kAcl = "system.posix_acl_access";
  if (::fgetxattr(fd, kAcl, nullptr, 0) > 0 && ::fremovexattr(fd, kAcl) != 0)
    fail(Status::kSystem, what, failed_call("fremovexattr", errno));
  if (!options.group.empty() && ::fchown(fd, static_cast<uid_t>(-1), group_id(options.group, what)) != 0)
    fail(Status::kNoPermission, what,
         "may not give it to group \"" + options.group + "\": " + failed_call("fchown", errno) + "; be a member of the group");
  if (::fchmod(fd, options.mode) != 0) fail(Status::kSystem, what, failed_call("fchmod", errno));  // after umask had its say
}

/// Writes header and tables. The memory is zero, which is what most of it has to be.
void initialise(std::byte* base, std::string_view name, const Options& options, const std::string& what) {
  const std::uint64_t workers = options.max_workers != 0 ? options.max_workers : default_worker_count(options.capacity_bytes);
  const Geometry geometry = compute_geometry(options.capacity_bytes, workers, options.max_namespaces, options.eviction == Eviction::kDuel);
  if (geometry.page_count < 16)
    fail(Status::kBadOption, what,
         "max_workers " + std::to_string(workers) + " and max_namespaces " + std::to_string(geometry.namespace_count) +
             " leave no room for values in capacity_bytes " + std::to_string(options.capacity_bytes) +
             "; lower the one or raise the other");
  View view(base, geometry);
  SegmentHeader& header = view.header();
  header.magic = kMagic;
  header.layout_version = kLayoutVersion;
  header.header_bytes = sizeof(SegmentHeader);
  header.fingerprint = build_fingerprint();
  ssize_t got = 0;
  do got = ::getrandom(&header.seed, sizeof header.seed, 0);
  while (got < 0 && errno == EINTR);  // soon after boot it waits
  if (got != static_cast<ssize_t>(sizeof header.seed)) fail(Status::kSystem, what, failed_call("getrandom", errno));
  header.time_namespace = time_namespace();
  boot_id(header.boot_id);
  header.created_ms = now_ms();
  header.created_unix_seconds = static_cast<std::int64_t>(::time(nullptr));
  std::copy(name.begin(), name.end(), header.name);
  header.geometry = geometry;
  header.epoch.store(1, kRelaxed);
  header.sample_mask.store(~std::uint32_t{0}, kRelaxed);  // until there is something to evict
  if (options.eviction == Eviction::kDuel) view.duel().mode.store(kFirstMode, kRelaxed);
  header.free_pages.store(geometry.page_count, kRelaxed);
  header.next_chain_id.store(1, kRelaxed);
  header.outdated_epoch.store(1, kRelaxed);
  header.outdated_cursor.store(geometry.page_count, kRelaxed);
  for (std::uint64_t page = 0; page < geometry.page_count; ++page) {
    view.page_class(page).store(kNoClass, kRelaxed);
    view.page_info(page).min_expiry_ms.store(~std::uint64_t{0}, kRelaxed);
  }
  header.next_expiry_ms.store(~std::uint64_t{0}, kRelaxed);
  header.pass_expiry_ms.store(~std::uint64_t{0}, kRelaxed);
}

Segment finish(Fd fd, std::string_view name, const Options& options, const std::string& what) {
  set_mode(fd.get(), options, what);
  check_cgroup_limit(options.capacity_bytes, what);
  Segment segment;
  segment.name = name;
  segment.mapping = Mapping::map(fd.get(), options.capacity_bytes, false, options.pages, what);
  if (options.interleave) segment.interleave_refused = interleave(segment.mapping);  // only what is reserved afterwards is spread
  reserve(fd.get(), options, what);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) fail(Status::kSystem, what, failed_call("fstat", errno));
  initialise(segment.mapping.base(), name, options, what);
  segment.view = View(segment.mapping.base(), reinterpret_cast<const SegmentHeader*>(segment.mapping.base())->geometry);
  segment.device = found.st_dev;
  segment.inode = found.st_ino;
  segment.fd = std::move(fd);
  return segment;
}

}  // namespace

void check_options(const Options& options, const std::string& what) {
  const auto bad = [&what](const std::string& why) { fail(Status::kBadOption, what, why); };
  if (options.capacity_bytes < kMinCapacityBytes || options.capacity_bytes > kMaxCapacityBytes)
    bad("capacity_bytes is " + std::to_string(options.capacity_bytes) + "; it must be from " + std::to_string(kMinCapacityBytes) +
        " (1 MiB) to " + std::to_string(kMaxCapacityBytes) + " (1 TiB)");
  if (options.mode != 0600 && options.mode != 0660) bad("mode must be 0600 or 0660");
  if (options.mode == 0600 && !options.group.empty()) bad("group \"" + options.group + "\" needs mode 0660");
  if (options.max_workers != 0 && (options.max_workers < kMinWorkers || options.max_workers > kMaxWorkers))
    bad("max_workers is " + std::to_string(options.max_workers) + "; it must be 0 (by capacity) or from 4 to 4096");
  if (options.max_namespaces > kMaxNamespaces)
    bad("max_namespaces is " + std::to_string(options.max_namespaces) + "; it must be 0 (by capacity) or from 1 to " +
        std::to_string(kMaxNamespaces));
  check_lock_wait(options, what);
}

void check_lock_wait(const Options& options, const std::string& what) {
  if (options.lock_wait < std::chrono::milliseconds(1) || options.lock_wait > std::chrono::seconds(10))
    fail(Status::kBadOption, what, "lock_wait is " + std::to_string(options.lock_wait.count()) + " ms; it must be from 1 ms to 10 s");
}

Segment create_segment(std::string_view name, const Options& options) {
  check_name(name);
  const std::string path = path_of(name);
  const std::string what = "segment \"" + std::string(name) + "\"";
  check_options(options, what);
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) fail(Status::kSegmentExists, what, path + " exists; use open, or remove it first");

  Fd fd(::open(std::string(kSegmentDirectory).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() < 0) fail(status_of_errno(errno), what, failed_call("open(O_TMPFILE) in /dev/shm", errno));
  Segment segment = finish(std::move(fd), name, options, what);

  // Published by one link: whoever sees the name sees a complete segment.
  const std::string self = "/proc/self/fd/" + std::to_string(segment.fd.get());
  int result = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
  if (result != 0 && errno == ENOENT)
    result = ::linkat(segment.fd.get(), "", AT_FDCWD, path.c_str(), AT_EMPTY_PATH);  // no /proc; needs a capability
  if (result != 0) {
    if (errno == EEXIST) fail(Status::kSegmentExists, what, path + " exists; use open, or remove it first");
    fail(status_of_errno(errno), what, failed_call("linkat to " + path, errno));
  }
  return segment;
}

Segment create_anonymous_segment(const Options& options) {
  const std::string what = "an anonymous segment";
  check_options(options, what);
  int raw = ::memfd_create("carafe", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (raw < 0 && errno == EINVAL) raw = ::memfd_create("carafe", MFD_CLOEXEC | MFD_ALLOW_SEALING);  // before Linux 6.3
  if (raw < 0) fail(Status::kSystem, what, failed_call("memfd_create", errno));
  Segment segment = finish(Fd(raw), {}, options, what);
  // Nobody can cut it short or punch holes into it any more. Best effort: an old kernel lacks the last one.
  if (::fcntl(segment.fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) != 0)
    ::fcntl(segment.fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  return segment;
}

}  // namespace carafe
