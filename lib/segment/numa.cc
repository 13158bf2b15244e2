// SPDX-License-Identifier: MIT
#include "segment/numa.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace carafe {
namespace {

/// As many nodes as any kernel is built for: it refuses to answer into less than it has.
using NodeMask = std::array<unsigned long, 1024 / (8 * sizeof(unsigned long))>;
constexpr unsigned long kNodes = 1024;

bool get_allowed(NodeMask& mask) noexcept {  // directly, since the wrappers are libnuma's
  return ::syscall(SYS_get_mempolicy, nullptr, mask.data(), kNodes, nullptr, MPOL_F_MEMS_ALLOWED) == 0;
}

std::uint32_t count(const NodeMask& mask) noexcept {
  int nodes = 0;
  for (const unsigned long word : mask) nodes += std::popcount(word);
  return static_cast<std::uint32_t>(nodes);
}

}  // namespace

std::uint32_t allowed_nodes() noexcept {
  NodeMask mask{};
  return get_allowed(mask) ? count(mask) : 0;
}

std::string interleave(const Mapping& mapping) {
  NodeMask mask{};
  if (!get_allowed(mask)) return std::string("get_mempolicy failed: ") + std::strerror(errno);
  if (count(mask) < 2) return "there is one NUMA node";
  if (::syscall(SYS_mbind, mapping.base(), mapping.bytes(), MPOL_INTERLEAVE, mask.data(), kNodes + 1, 0) != 0)  // it counts to one less
    return std::string("mbind failed: ") + std::strerror(errno);
  return {};
}

}  // namespace carafe
