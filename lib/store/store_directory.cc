// SPDX-License-Identifier: MIT
#include "store/store_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "carafe/status.h"

namespace carafe {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr const char* kItems = "items";
constexpr std::string_view kTemporary = ".tmp-";
constexpr std::string_view kCleared = ".cleared-";

std::string hex(Hash128 hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high), static_cast<unsigned long long>(hash.low));
  return text;
}

/// A name that nobody else takes; and if somebody does, O_EXCL or rename says so.
std::string unique_name(std::string_view prefix) {
  static std::atomic<std::uint64_t> number{0};
  const std::uint64_t parts[] = {static_cast<std::uint64_t>(::getpid()), now_ns(), number.fetch_add(1, std::memory_order_relaxed),
                                 reinterpret_cast<std::uintptr_t>(&number)};
  return std::string(prefix) + hex(hash_128({reinterpret_cast<const char*>(parts), sizeof parts}));
}

bool is_ours_alone(const struct stat& found) noexcept { return found.st_uid == ::geteuid() && (found.st_mode & 0077) == 0; }

[[noreturn]] void fail(Status status, const std::string& path, const std::string& why) {
  throw Error(status, "carafe: cannot use directory \"" + path + "\": " + why);
}

[[noreturn]] void fail_call(const std::string& path, std::string_view call) {
  const int error = errno;
  const bool forbidden = error == EACCES || error == EPERM || error == EROFS;
  fail(forbidden ? Status::kNoPermission : Status::kSystem, path,
       std::string(call) + " failed: " + std::strerror(error) + " (errno " + std::to_string(error) + ")");
}

void remove_tree_of_files(int root, const std::string& name) {
  if (const Fd directory(::openat(root, name.c_str(), kDirectoryFlags)); directory.get() >= 0)
    for (const std::string& file : names_in(directory.get())) ::unlinkat(directory.get(), file.c_str(), 0);
  ::unlinkat(root, name.c_str(), AT_REMOVEDIR);
}

}  // namespace

std::string item_name(std::string_view key) { return hex(hash_128(key)); }

bool is_item_name(std::string_view name) noexcept {
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_temporary_name(std::string_view name) noexcept { return name.starts_with(kTemporary); }

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  Fd fd(::openat(directory, ".", kDirectoryFlags));  // with a place of its own in the list
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd.get()), &::closedir);
  if (!listing) return names;
  fd.release();
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

StoreDirectory::StoreDirectory(const std::string& path, bool make) {
  root_ = Fd(::open(path.c_str(), kDirectoryFlags));
  if (root_.get() < 0 && errno == ENOENT && make && ::mkdir(path.c_str(), 0700) == 0) root_ = Fd(::open(path.c_str(), kDirectoryFlags));
  struct stat found {};
  if (root_.get() < 0 || ::fstat(root_.get(), &found) != 0 || !is_ours_alone(found)) return;
  items_ = Fd(::openat(root_.get(), kItems, kDirectoryFlags));
  if (items_.get() >= 0 || errno != ENOENT || !make) return;
  if (::mkdirat(root_.get(), kItems, 0700) == 0 || errno == EEXIST) items_ = Fd(::openat(root_.get(), kItems, kDirectoryFlags));
}

void StoreDirectory::check(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail_call(path, "mkdir");
  const Fd root(::open(path.c_str(), kDirectoryFlags));
  if (root.get() < 0) {
    if (errno == ELOOP || errno == ENOTDIR)
      fail(Status::kNotTrusted, path, "it is a symbolic link or no directory, which is never followed; name the directory itself");
    fail_call(path, "open");
  }
  struct stat found {};
  if (::fstat(root.get(), &found) != 0) fail_call(path, "fstat");
  if (found.st_uid != ::geteuid())
    fail(Status::kNotTrusted, path, "it belongs to uid " + std::to_string(found.st_uid) + ", we are " + std::to_string(::geteuid()));
  if (!is_ours_alone(found)) fail(Status::kNotTrusted, path, "others may enter it; chmod it to 0700");
}

Fd StoreDirectory::open_item(const std::string& name, int access) const noexcept {
  Fd fd(::openat(items(), name.c_str(), access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat found {};
  if (fd.get() >= 0 && (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode))) {
    fd = Fd();
    errno = EINVAL;
  }
  return fd;
}

void StoreDirectory::unlink_item(const std::string& name) const noexcept { ::unlinkat(items(), name.c_str(), 0); }

bool StoreDirectory::is_at(const std::string& name, int fd) const noexcept {
  struct stat there {};
  struct stat ours {};
  return ::fstatat(items(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
         there.st_ino == ours.st_ino;
}

StoreDirectory::Temporary StoreDirectory::make_temporary() const {
  Temporary made;
  made.name = unique_name(kTemporary);
  made.fd = Fd(::openat(items(), made.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return made;
}

void StoreDirectory::clear() const {
  ::renameat(root_.get(), kItems, root_.get(), unique_name(kCleared).c_str());  // or another clear was faster
  for (const std::string& name : names_in(root_.get()))
    if (name.starts_with(kCleared)) remove_tree_of_files(root_.get(), name);  // those of clears that were killed too
}

}  // namespace carafe
