// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <sys/xattr.h>

#include <cstdint>

namespace carafe::test {

/// Gives a file or a folder ("system.posix_acl_access", "system.posix_acl_default") an access control list that lets in `user` beside the owner,
/// each with `permissions`, behind a mask of `mask`. False where the file system has none.
inline bool let_in(const char* path, const char* attribute, uid_t user, std::uint16_t permissions, std::uint16_t mask) {
  struct Entry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
  };
  struct List {
    std::uint32_t version;
    Entry entries[5];
  };
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  const List list = {2,
                     {{0x01, permissions, kNone}, {0x02, permissions, user}, {0x04, mask, kNone}, {0x10, mask, kNone}, {0x20, 0, kNone}}};
  return ::setxattr(path, attribute, &list, sizeof list, 0) == 0;
}

}  // namespace carafe::test
