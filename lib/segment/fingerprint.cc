// SPDX-License-Identifier: MIT
#include "segment/fingerprint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cstddef>

#include "base/hash.h"
#include "layout/bucket.h"
#include "layout/duel_state.h"
#include "layout/named_slot.h"
#include "layout/namespace_record.h"
#include "layout/segment_header.h"
#include "layout/slab_page.h"
#include "layout/stripe.h"
#include "layout/worker_slot.h"

namespace carafe {

std::uint64_t build_fingerprint() noexcept {
  const std::uint64_t parts[] = {
      std::endian::native == std::endian::little ? 1U : 2U,
      sizeof(void*),
      sizeof(SegmentHeader),
      sizeof(Stripe),
      sizeof(Bucket),
      sizeof(PageInfo),
      sizeof(ClassState),
      sizeof(DuelState),
      sizeof(WorkerSlot),
      sizeof(NamespaceRecord),
      sizeof(NamespaceLane),
      sizeof(NamedSlot),
      kEntriesPerBucket,
      kMaxClasses,
      offsetof(SegmentHeader, epoch),
      hash_probe(),
  };
  return hash_key({reinterpret_cast<const char*>(parts), sizeof parts}, 0);
}

std::uint64_t time_namespace() noexcept {
  struct stat found {};
  return ::stat("/proc/self/ns/time", &found) == 0 ? static_cast<std::uint64_t>(found.st_ino) : 0;
}

void boot_id(std::uint64_t (&id)[2]) noexcept {
  id[0] = id[1] = 0;
  char text[37] = {};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return;
  const std::string_view view(text, static_cast<std::size_t>(got));
  id[0] = hash_key(view, 1);
  id[1] = hash_key(view, 2);
}

}  // namespace carafe
