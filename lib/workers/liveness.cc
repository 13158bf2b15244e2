// SPDX-License-Identifier: MIT
#include "workers/liveness.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "layout/side_word.h"
#include "segment/names.h"

namespace carafe {
namespace {

struct flock byte_of(std::uint32_t slot, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = kByteLockBase + slot;
  lock.l_len = 1;
  return lock;
}

int open_by_name(const Segment& segment, int how) noexcept {
  char path[256];
  std::snprintf(path, sizeof path, "%s/%s%s", kSegmentDirectory.data(), kSegmentPrefix.data(), segment.name.c_str());
  return segment.name.empty() ? -1 : ::open(path, how | O_NOFOLLOW | O_CLOEXEC);
}

/// A new open file description of the segment's file: through /proc (also when the name is gone), else by name.
int reopen(const Segment& segment) noexcept {
  int error = EBADF;
  if (is_same_file(segment.fd.get(), segment)) {
    char self[32];
    std::snprintf(self, sizeof self, "/proc/self/fd/%d", segment.fd.get());
    const int fd = ::open(self, O_RDWR | O_CLOEXEC);
    if (fd >= 0) return fd;
    error = errno;
  }
  if (segment.name.empty()) {
    errno = error;
    return -1;
  }
  return open_by_name(segment, O_RDWR);
}

}  // namespace

bool LifeToken::take(const Segment& segment, std::uint32_t slots, std::uint32_t& slot, void*& page, int& error) noexcept {
  const int fd = reopen(segment);
  if (fd < 0) {
    error = errno;
    return false;
  }
  struct stat found {};
  if (!is_same_file(fd, segment) || ::fstat(fd, &found) != 0 ||
      static_cast<std::uint64_t>(found.st_size) < segment.view.geometry().capacity_bytes) {
    ::close(fd);  // another file has the name now, or it was cut short: touching the mapping would be a SIGBUS
    error = ESTALE;
    return false;
  }
  error = 0;
  for (slot = 0; slot < slots; ++slot) {
    struct flock lock = byte_of(slot, F_WRLCK);
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) break;
    if (errno != EAGAIN && errno != EACCES) {
      error = errno;
      ::close(fd);
      return false;
    }
  }
  if (slot == slots) {
    ::close(fd);
    return false;
  }
  page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED || ::madvise(page, 4096, MADV_DONTFORK) != 0) {
    error = errno;
    if (page != MAP_FAILED) ::munmap(page, 4096);
    page = nullptr;
    ::close(fd);
    return false;
  }
  ::close(fd);  // from here on the mapping alone keeps the description, and with it the lock
  return true;
}

void LifeToken::drop(void* page) noexcept {
  if (page != nullptr) ::munmap(page, 4096);
}

bool Liveness::is_byte_free(std::uint32_t slot) const noexcept {
  struct flock lock = byte_of(slot, F_WRLCK);
  if (is_same_file(segment_->fd.get(), *segment_)) return ::fcntl(segment_->fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
  // Somebody closed all descriptors (closefrom). By name, then, if the name still is this file; without one nothing can be proven.
  const int fd = open_by_name(*segment_, O_RDONLY);
  if (fd < 0) return false;
  const bool free = is_same_file(fd, *segment_) && ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
  ::close(fd);
  return free;
}

bool Liveness::is_dead(WorkerId id, WorkerId me) const noexcept {
  const View& view = segment_->view;
  if (id.incarnation == 0 || id.slot >= view.geometry().worker_count) return false;  // nonsense proves nothing
  // A slot's incarnation is raised only by a tenant that has the byte: if it moved on, the one we ask about is gone.
  if (view.worker(id.slot).incarnation.load(kAcquire) != id.incarnation) return true;
  if (id.slot == me.slot) return false;
  return is_byte_free(id.slot);
}

bool Liveness::is_claimant_dead(WorkerId id, WorkerId me) const noexcept {
  const View& view = segment_->view;
  if (id.slot >= view.geometry().worker_count) return false;
  if ((view.worker(id.slot).incarnation.load(kAcquire) & SideWord::kIncarnationMask) != id.incarnation) return true;
  if (id.slot == me.slot) return false;
  return is_byte_free(id.slot);
}

}  // namespace carafe
