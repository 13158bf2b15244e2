// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/step.h"
#include "carafe/status.h"
#include "carafe/version.h"
#include "layout/geometry.h"
#include "segment/failed_call.h"
#include "segment/fingerprint.h"
#include "segment/names.h"
#include "segment/segment_file.h"

namespace carafe {
namespace {

[[noreturn]] void fail(Status status, std::string_view name, const std::string& why) {
  throw Error(status, "carafe: cannot open segment \"" + std::string(name) + "\": " + why);
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

Fd open_file(std::string_view name, const std::string& path, bool read_only) {
  Fd fd(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() >= 0) return fd;
  switch (errno) {
    case ENOENT:
      fail(Status::kAbsent, name, "there is no " + path + "; create it, or use open_or_create");
    case ELOOP:
      fail(Status::kNotASegment, name, path + " is a symbolic link, which is never followed; remove it");
    case EISDIR:
    case ENXIO:
      fail(Status::kNotASegment, name, path + " is not a regular file; remove it");
    case EACCES:
    case EPERM:
      fail(Status::kNoPermission, name,
           "uid " + std::to_string(::geteuid()) + " may not open " + path + "; create it with a group and mode 0660, or run as its owner");
    default:
      fail(status_of_errno(errno), name, failed_call("open(" + path + ")", errno));
  }
}

/// Whether we may believe what other writers of this file did. Looking only, anybody's will do: we check every number we read.
void check_trust(std::string_view name, const std::string& path, int fd, const struct stat& found, const Options& options) {
  if (found.st_uid != ::geteuid() && found.st_uid != 0 && std::int64_t{found.st_uid} != options.trusted_uid)
    fail(Status::kNotTrusted, name,
         path + " belongs to uid " + std::to_string(found.st_uid) + ", which is neither us (" + std::to_string(::geteuid()) +
             ") nor root; set Options::trusted_uid to accept it");
  const mode_t wider = found.st_mode & 0777 & ~static_cast<mode_t>(options.mode);
  if (wider != 0)
    fail(Status::kNotTrusted, name,
         path + " has mode " + octal(found.st_mode) + ", wider than the " + octal(options.mode) +
             " asked for; set Options::mode to accept 0660, or remove the segment");
  const ssize_t acl = ::fgetxattr(fd, "system.posix_acl_access", nullptr, 0);
  if (acl < 0 && errno != ENODATA && errno != EOPNOTSUPP && errno != ENOSYS)  // in doubt there may be one
    fail(Status::kSystem, name, failed_call("fgetxattr", errno));
  if (acl > 0)
    fail(Status::kNotTrusted, name,
         path + " carries an access control list, so its mode does not tell who may write; remove it (setfacl -b)");
}

Geometry check_header(std::string_view name, const std::string& path, int fd, const struct stat& found) {
  if (!S_ISREG(found.st_mode)) fail(Status::kNotASegment, name, path + " is not a regular file; remove it");
  SegmentHeader header{};
  const ssize_t got = ::pread(fd, static_cast<void*>(&header), sizeof header, 0);
  if (got < 0) fail(Status::kSystem, name, failed_call("pread", errno));
  if (static_cast<std::size_t>(got) < offsetof(SegmentHeader, fingerprint) && got != 0)
    fail(Status::kNotASegment, name, path + " is too short to be one; remove it");
  if (got == 0) fail(Status::kTruncated, name, path + " has 0 bytes; remove it");
  if (header.magic != kMagic) fail(Status::kNotASegment, name, path + " does not start with carafe's magic number; remove it");
  if (header.layout_version != kLayoutVersion)
    fail(Status::kWrongLayout, name,
         "layout version " + std::to_string(header.layout_version) + ", this library reads " + std::to_string(kLayoutVersion) +
             "; remove it, or use a library of its version");
  if (static_cast<std::size_t>(got) < sizeof header)
    fail(Status::kTruncated, name, path + " ends at byte " + std::to_string(got) + ", within its header; remove it");
  if (header.fingerprint != build_fingerprint() || header.header_bytes != sizeof(SegmentHeader))
    fail(Status::kWrongBuild, name,
         "made by a build of another ABI (word size, byte order or hash); remove it, or use one build on this host");
  const Geometry geometry = header.geometry;
  if (geometry.capacity_bytes < kMinCapacityBytes || geometry.capacity_bytes > kMaxCapacityBytes || geometry.worker_count < kMinWorkers ||
      geometry.worker_count > kMaxWorkers || geometry.namespace_count > kMaxNamespaces ||
      !(geometry ==
        compute_geometry(geometry.capacity_bytes, geometry.worker_count, geometry.namespace_count, geometry.ghost_words != 0)) ||
      geometry.page_count == 0)
    fail(Status::kNotASegment, name,
         "its geometry is out of range (capacity " + std::to_string(geometry.capacity_bytes) + "); it is damaged, remove it");
  if (static_cast<std::uint64_t>(found.st_size) < geometry.capacity_bytes)
    fail(Status::kTruncated, name,
         path + " has " + std::to_string(found.st_size) + " bytes instead of " + std::to_string(geometry.capacity_bytes) + "; remove it");
  const std::uint64_t ours = time_namespace();
  if (ours != 0 && header.time_namespace != 0 && ours != header.time_namespace)
    fail(Status::kForeignNamespace, name,
         "made in time namespace " + std::to_string(header.time_namespace) + ", we are in " + std::to_string(ours) +
             ": its expiry times would be wrong here");
  std::uint64_t boot[2];
  boot_id(boot);
  if (boot[0] != 0 && header.boot_id[0] != 0 && (boot[0] != header.boot_id[0] || boot[1] != header.boot_id[1]))
    fail(Status::kForeignNamespace, name, "made before the last boot: its expiry times mean nothing any more; remove it");
  return geometry;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Segment::~Segment() {
  if (!is_same_file(fd.get(), *this)) fd.release();
}

bool is_same_file(int fd, const Segment& segment) noexcept {
  struct stat found {};
  return fd >= 0 && ::fstat(fd, &found) == 0 && found.st_dev == segment.device && found.st_ino == segment.inode;
}

namespace {

[[noreturn]] void fail_to_remove(std::string_view name, const std::string& call) {
  const Status status = status_of_errno(errno);
  throw Error(status, "carafe: cannot remove segment \"" + std::string(name) + "\": " + failed_call(call, errno) +
                          (status == Status::kNoPermission ? "; only its owner or root may" : ""));
}

/// Who has the name; false when nobody has.
bool find_file(std::string_view name, const std::string& path, struct stat& found) {
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT) return false;
  fail_to_remove(name, "lstat(" + path + ")");
}

/// Unlinks `path` if it still is that very file.
bool unlink_same(std::string_view name, const std::string& path, dev_t device, ino_t inode) {
  struct stat found {};
  if (!find_file(name, path, found) || found.st_dev != device || found.st_ino != inode) return false;
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  fail_to_remove(name, "unlink(" + path + ")");
}

}  // namespace

Segment open_segment(std::string_view name, const Options& options, bool read_only) {
  check_name(name);
  const std::string path = path_of(name);
  Segment segment;
  segment.name = name;
  segment.read_only = read_only;
  segment.fd = open_file(name, path, read_only);
  struct stat found {};
  if (::fstat(segment.fd.get(), &found) != 0) fail(Status::kSystem, name, failed_call("fstat", errno));
  segment.device = found.st_dev;
  segment.inode = found.st_ino;
  if (S_ISREG(found.st_mode) && !read_only) check_trust(name, path, segment.fd.get(), found, options);
  const Geometry geometry = check_header(name, path, segment.fd.get(), found);
  segment.mapping = Mapping::map(segment.fd.get(), geometry.capacity_bytes, read_only, options.pages, segment.title());
  segment.view = View(segment.mapping.base(), geometry);
  if (!read_only && segment.view.header().retired.load(kAcquire) != 0) {
    // Whoever removed it died between retiring and unlinking. It serves nobody any more: the name is free.
    if (found.st_uid == ::geteuid() || ::geteuid() == 0) unlink_same(name, path, found.st_dev, found.st_ino);
    fail(Status::kAbsent, name, path + " was removed; create it anew, or use open_or_create");
  }
  return segment;
}

bool remove_segment(std::string_view name, const Options& options) {
  check_name(name);
  const std::string path = path_of(name);
  struct stat found {};
  if (!find_file(name, path, found)) return false;
  // Asked first: nobody may retire what he cannot unlink (the directory is sticky).
  if (::geteuid() != 0 && found.st_uid != ::geteuid())
    throw Error(Status::kNoPermission, "carafe: cannot remove segment \"" + std::string(name) + "\": it belongs to uid " +
                                           std::to_string(found.st_uid) + "; only its owner or root may");
  if (found.st_uid != ::geteuid() && found.st_uid != 0 && std::int64_t{found.st_uid} != options.trusted_uid)
    fail(Status::kNotTrusted, name,
         path + " belongs to uid " + std::to_string(found.st_uid) + "; set Options::trusted_uid to remove it all the same");
  Options whoever = options;  // it is our own or we are root: what it says is not believed, only retired
  whoever.trusted_uid = std::int64_t{found.st_uid};
  whoever.mode = 0777;
  try {
    Segment segment = open_segment(name, whoever, false);
    // First, so that nobody is served from an orphan. Who comes across it then unlinks it as well, and may be faster.
    const bool retired_it = segment.view.header().retired.exchange(1, kAcqRel) == 0;
    CARAFE_STEP("remove: retired");
    return unlink_same(name, path, segment.device, segment.inode) || retired_it;
  } catch (const Error& error) {
    switch (error.status()) {
      case Status::kAbsent:
        return !find_file(name, path, found);  // left retired by another who died; now it is gone
      case Status::kNotTrusted:                // an access control list
      case Status::kNotASegment:
      case Status::kWrongLayout:
      case Status::kWrongBuild:
      case Status::kTruncated:
      case Status::kForeignNamespace:
        return unlink_same(name, path, found.st_dev, found.st_ino);  // damaged or foreign: nothing to retire, but the name can be cleared
      default:
        throw;
    }
  }
}

void unpublish_segment(std::string_view name, const Options& options, dev_t device, ino_t inode) noexcept {
  try {
    Segment segment = open_segment(name, options, false);
    if (segment.device != device || segment.inode != inode) return;
    segment.view.header().retired.store(1, kRelease);
  } catch (...) {  // whoever opened it meanwhile notices within half a second that it has no name
  }
  try {
    static_cast<void>(unlink_same(name, path_of(name), device, inode));
  } catch (...) {  // then the name stays; the error that brought us here is the one to tell
  }
}

}  // namespace carafe
