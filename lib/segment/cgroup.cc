// SPDX-License-Identifier: MIT
#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "carafe/status.h"
#include "segment/segment_file.h"

namespace carafe {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t read_number(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t number = 0;
  return in >> number ? number : kNoLimit;  // "max" does not parse
}

/// Page cache that the kernel would give up at once.
std::uint64_t reclaimable(const std::string& stat_file) {
  std::ifstream in(stat_file);
  std::uint64_t number = 0;
  for (std::string word; in >> word >> number;)
    if (word == "inactive_file" || word == "total_inactive_file") return number;
  return 0;
}

/// What is left below the tightest limit between `group` and the root; files are named as cgroup v1 or v2 do.
std::uint64_t room_in(const std::string& root, std::string group, const char* limit_file, const char* usage_file) {
  std::uint64_t room = kNoLimit;
  for (;;) {
    const std::uint64_t limit = read_number(root + group + "/" + limit_file);
    const std::uint64_t usage = read_number(root + group + "/" + usage_file);
    if (limit != kNoLimit && usage != kNoLimit) {
      const std::uint64_t held = usage - std::min(usage, reclaimable(root + group + "/memory.stat"));
      room = std::min(room, limit > held ? limit - held : 0);
    }
    if (group.empty() || group == "/") return room;
    group.resize(group.rfind('/'));
  }
}

}  // namespace

void check_cgroup_limit(std::uint64_t bytes, const std::string& what) {
  std::ifstream groups("/proc/self/cgroup");
  std::uint64_t room = kNoLimit;
  for (std::string row; std::getline(groups, row);) {
    const auto first = row.find(':');
    const auto second = row.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = row.substr(first + 1, second - first - 1);
    const std::string group = row.substr(second + 1);
    if (controllers.empty()) {
      room = std::min(room, room_in("/sys/fs/cgroup", group, "memory.max", "memory.current"));
    } else if (controllers.find("memory") != std::string::npos) {
      room = std::min(room, room_in("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes"));
    }
  }
  if (bytes > room) {
    throw Error(Status::kOverCgroupLimit, "carafe: cannot create " + what + ": capacity_bytes " + std::to_string(bytes) + " exceeds the " +
                                              std::to_string(room) +
                                              " bytes that this memory cgroup has left; lower the capacity or raise the limit");
  }
}

}  // namespace carafe
