// SPDX-License-Identifier: MIT
#include "segment/memory_report.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "segment/numa.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace carafe {
namespace {

constexpr const char* kHugePages = "/sys/kernel/mm/transparent_hugepage/";

/// The word in brackets: always [madvise] never.
std::string chosen_word(const std::string& path) {
  std::ifstream in(path);
  std::string row;
  std::getline(in, row);
  const std::size_t begin = row.find('[') + 1;
  const std::size_t end = row.find(']');
  return begin == 0 || end == std::string::npos ? std::string() : row.substr(begin, end - begin);
}

/// The option huge= of the file system that `device` is; never, when the kernel shows none.
std::string mount_option(dev_t device) {
  const std::string wanted = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string row; std::getline(mounts, row);) {
    std::istringstream fields(row);
    std::string id;
    std::string parent;
    std::string number;
    if (!(fields >> id >> parent >> number) || number != wanted) continue;
    const std::size_t option = row.rfind("huge=");
    return option == std::string::npos ? "never" : row.substr(option + 5, row.find_first_of(", ", option) - option - 5);
  }
  return {};
}

/// Anonymous segments go by the kernel's setting, those with a name by the mount of /dev/shm; two words of the setting overrule both.
std::string huge_policy(const Segment& segment) {
  const std::string setting = chosen_word(std::string(kHugePages) + "shmem_enabled");
  return segment.name.empty() || setting == "deny" || setting == "force" ? setting : mount_option(segment.device);
}

/// One byte of each huge page, so that the kernel maps it and counts it. Fails, rather than kill, where the file was cut short.
void touch(const Mapping& mapping) noexcept {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (std::size_t at = 0; at < mapping.bytes(); at += kHugePageBytes)
    if (::madvise(mapping.base() + at, std::min(page, mapping.bytes() - at), MADV_POPULATE_READ) != 0) return;
}

/// Adds up the rows of /proc/self/smaps that are about the mapping.
void read_smaps(const Mapping& mapping, MemoryStats& stats) {
  const auto base = reinterpret_cast<std::uintptr_t>(mapping.base());
  std::ifstream smaps("/proc/self/smaps");
  bool ours = false;
  for (std::string row; std::getline(smaps, row);) {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t kib = 0;
    char name[32];
    if (std::sscanf(row.c_str(), "%" SCNx64 "-%" SCNx64 " ", &low, &high) == 2) {
      ours = low >= base && low < base + mapping.bytes();
      if (ours) stats.bytes += high - low;
    } else if (ours && std::sscanf(row.c_str(), "%31[^:]: %" SCNu64 " kB", name, &kib) == 2) {
      const std::string_view field = name;
      if (field == "Rss") stats.mapped_bytes += kib << 10;
      if (field == "ShmemPmdMapped" || field == "FilePmdMapped") stats.huge_bytes += kib << 10;
    }
  }
}

std::string numa_policy(const Mapping& mapping) {
  std::ifstream maps("/proc/self/numa_maps");
  for (std::string row; std::getline(maps, row);) {
    std::istringstream fields(row);
    std::uintptr_t address = 0;
    std::string policy;
    if (fields >> std::hex >> address >> policy && address == reinterpret_cast<std::uintptr_t>(mapping.base())) return policy;
  }
  return {};
}

}  // namespace

MemoryStats report_memory(const Segment& segment) {
  MemoryStats stats;
  std::ifstream(std::string(kHugePages) + "hpage_pmd_size") >> stats.huge_page_bytes;
  stats.huge_policy = huge_policy(segment);
  touch(segment.mapping);
  read_smaps(segment.mapping, stats);
  stats.numa_nodes = allowed_nodes();
  stats.numa_policy = numa_policy(segment.mapping);
  if (!segment.interleave_refused.empty()) stats.refused.push_back("interleave: " + segment.interleave_refused);
  return stats;
}

}  // namespace carafe
