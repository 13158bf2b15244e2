// SPDX-License-Identifier: MIT
#include "segments.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "bus_guard.h"
#include "exit_code.h"
#include "segment/names.h"
#include "text.h"
#include "workers/liveness.h"

namespace carafe::tool {
namespace {

std::int64_t uid_of(const std::string& user) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (error == std::errc{} && end == user.data() + user.size()) return number;
  const struct passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr)
    throw Failure(kUsage, fmt::format("--trust: there is no user \"{}\"; give a user's name or decimal uid", escape(user)));
  return entry->pw_uid;
}

}  // namespace

std::vector<SegmentFile> find_segments() {
  const std::string directory(kSegmentDirectory);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
  if (!listing)
    throw Failure(errno == EACCES ? kForbidden : kFailure,
                  fmt::format("cannot read {}: {}; carafe keeps its segments there", directory, std::strerror(errno)));
  std::vector<SegmentFile> found;
  while (const struct dirent* entry = ::readdir(listing.get())) {
    const std::string_view file = entry->d_name;
    if (!file.starts_with(kSegmentPrefix) || file.size() == kSegmentPrefix.size()) continue;
    SegmentFile segment{std::string(file.substr(kSegmentPrefix.size())), {}};
    if (::fstatat(::dirfd(listing.get()), entry->d_name, &segment.status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // vanished meanwhile
    found.push_back(std::move(segment));
  }
  std::sort(found.begin(), found.end(), [](const SegmentFile& a, const SegmentFile& b) { return a.name < b.name; });
  return found;
}

std::pair<dev_t, ino_t> file_identity(const std::string& name) noexcept {
  struct stat found {};
  if (::lstat(path_of(name).c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

std::string segment_name(std::string_view typed) {
  const std::string prefix = path_of("");
  if (typed.starts_with(prefix)) typed.remove_prefix(prefix.size());
  return std::string(typed);
}

void fail_absent(const std::string& name) {
  std::string near;
  std::size_t best = std::max<std::size_t>(name.size() / 3, 1);
  try {
    for (const SegmentFile& segment : find_segments()) {
      const bool longer = !name.empty() && segment.name.starts_with(name);  // shop for shop-v42
      const std::size_t distance = longer ? 1 : edit_distance(name, segment.name);
      if (distance > best || (distance == best && !near.empty())) continue;
      best = distance;
      near = segment.name;
    }
  } catch (const Failure&) {  // then no suggestion
  }
  throw Failure(kMissing,
                near.empty()
                    ? fmt::format("there is no segment \"{0}\"; carafe ls lists them, carafe create {0} makes it", escape(name))
                    : fmt::format("there is no segment \"{}\"; did you mean \"{}\"? carafe ls lists them", escape(name), escape(near)));
}

Cache open_to_look(const std::string& name) {
  guard_against_truncation(name);
  try {
    return Cache::open_read_only(name);
  } catch (const Error& error) {
    if (error.status() == Status::kAbsent) fail_absent(name);
    throw;
  }
}

Options options_for(const std::string& name, Trust trust, const std::string& trusted_user) {
  Options options;
  options.mode = trust == Trust::kWhoever ? 0777 : 0660;  // who names the segment has decided to write to it, shared with a group or not
  struct stat found {};
  if (!trusted_user.empty()) {
    options.trusted_uid = uid_of(trusted_user);
  } else if (trust == Trust::kWhoever && ::lstat(path_of(name).c_str(), &found) == 0) {
    options.trusted_uid = found.st_uid;
  }
  return options;
}

Cache open_to_write(const std::string& name, Trust trust, const std::string& trusted_user) {
  try {
    return Cache::open(name, options_for(name, trust, trusted_user));
  } catch (const Error& error) {
    if (error.status() == Status::kAbsent) fail_absent(name);
    struct stat found {};
    if (error.status() == Status::kNotTrusted && ::lstat(path_of(name).c_str(), &found) == 0 && found.st_uid != ::geteuid() &&
        found.st_uid != 0)
      throw Failure(kRefused, std::string(error.what()) + " (here: --trust " + user_name(found.st_uid) + ")");
    throw;
  }
}

bool has_attached_workers(const std::string& name) noexcept {
  const int fd = ::open(path_of(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kByteLockBase;  // to the end of all files: every slot
  const bool held = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(fd);
  return held;
}

std::string state_of(const Stats& stats) { return stats.retired ? "retired" : stats.workers != 0 ? "live" : "idle"; }

std::string user_name(std::uint32_t uid) {
  const struct passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

std::string group_name(std::uint32_t gid) {
  const struct ::group* entry = ::getgrgid(gid);
  return entry != nullptr ? entry->gr_name : std::to_string(gid);
}

std::string mode_text(std::uint32_t mode) { return fmt::format("{:04o}", mode & 07777); }

}  // namespace carafe::tool
