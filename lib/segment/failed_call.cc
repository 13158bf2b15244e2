// SPDX-License-Identifier: MIT
#include "segment/failed_call.h"

#include <cerrno>
#include <cstring>

namespace carafe {

std::string_view remedy_of(int error) noexcept {
  switch (error) {
    case EMFILE:
      return "; raise ulimit -n, or close descriptors";
    case ENFILE:
      return "; raise sysctl fs.file-max";
    case ENOMEM:
    case EAGAIN:
      return "; free memory, or raise ulimit -v, ulimit -l or sysctl vm.max_map_count";
    case ENOSPC:
    case EDQUOT:
      return "; enlarge /dev/shm (mount -o remount,size=...,nr_inodes=...), or use create_anonymous";
    case EROFS:
      return "; mount /dev/shm for writing";
    case ENOLCK:
      return "; raise ulimit -x";
    case ESTALE:
      return "; the file was replaced or cut short: remove it, or open it again";
    case ENOENT:
      return "; are /dev/shm and /proc mounted?";
    case EACCES:
    case EPERM:
    case ENOSYS:
    case EINVAL:
    case EOPNOTSUPP:
      return "; a sandbox (seccomp, SELinux, AppArmor) or an old kernel may forbid it, or /dev/shm is no tmpfs";
    default:
      return "; try again, and see the kernel's log (dmesg)";
  }
}

std::string failed_call(std::string_view call, int error) {
  std::string text(call);
  text += " failed: ";
  text += std::strerror(error);
  text += " (errno " + std::to_string(error) + ")";
  text += remedy_of(error);
  return text;
}

Status status_of_errno(int error) noexcept {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return Status::kNoPermission;
    case ENOSPC:
    case EDQUOT:
      return Status::kOutOfMemory;
    default:
      return Status::kSystem;
  }
}

}  // namespace carafe
