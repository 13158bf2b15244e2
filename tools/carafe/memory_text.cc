// SPDX-License-Identifier: MIT
#include "memory_text.h"

#include <fmt/format.h>

#include "text.h"

namespace carafe::tool {
namespace {

std::string huge_text(const Context& context, const MemoryStats& memory) {
  if (memory.huge_page_bytes == 0) return "small pages; this kernel has no huge ones";
  if (memory.bytes < memory.huge_page_bytes) return "small pages, as it is smaller than a huge one";
  std::string text = fmt::format("{} of {} on huge pages", bytes_text(context, memory.huge_bytes), bytes_text(context, memory.bytes));
  if (memory.huge_bytes + memory.huge_page_bytes > memory.bytes) return text;  // all but an end that fills none
  if (memory.huge_policy == "deny") return text + "; /sys/kernel/mm/transparent_hugepage/shmem_enabled is deny: nobody can have them";
  if (memory.huge_policy == "never" || memory.huge_policy == "advise")
    text += fmt::format("; /dev/shm is mounted huge={}, within_size would give them to new segments", memory.huge_policy);
  return text + "; create --pages huge and Options::pages collect them";
}

std::string numa_text(const MemoryStats& memory) {
  if (memory.numa_nodes == 0) return "";
  if (memory.numa_nodes == 1) return "; one NUMA node";
  return fmt::format("; {} NUMA nodes, policy {}", memory.numa_nodes, memory.numa_policy.empty() ? "unknown" : memory.numa_policy) +
         (memory.numa_policy == "default" ? ": all on the creator's node while it has room, create --interleave spreads it" : "");
}

}  // namespace

Json memory_json(const MemoryStats& memory) {
  return Json{{"bytes", memory.bytes},
              {"huge_bytes", memory.huge_bytes},
              {"huge_page_bytes", memory.huge_page_bytes},
              {"huge_policy", memory.huge_policy},
              {"numa_nodes", memory.numa_nodes},
              {"numa_policy", memory.numa_policy}};
}

std::string memory_text(const Context& context, const MemoryStats& memory) {
  return "memory: " + huge_text(context, memory) + numa_text(memory);
}

}  // namespace carafe::tool
