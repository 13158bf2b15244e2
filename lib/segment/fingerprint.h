// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

/// One number in which two builds must agree to share a segment: byte order, word sizes, sizes of the shared structs, and what
/// the hash answers. The layout version is apart from it: that is about meaning, this about the compiler.
[[nodiscard]] std::uint64_t build_fingerprint() noexcept;

/// Identity of the time namespace (inode of /proc/self/ns/time), or 0 where it cannot be seen. Monotonic clocks differ between them.
[[nodiscard]] std::uint64_t time_namespace() noexcept;

/// The kernel's boot id in two words, zero where it cannot be seen.
void boot_id(std::uint64_t (&id)[2]) noexcept;

}  // namespace carafe
