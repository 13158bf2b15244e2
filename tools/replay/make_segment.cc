// SPDX-License-Identifier: MIT
#include "make_segment.h"

#include <fstream>
#include <limits>
#include <string>

#include "exit_code.h"

namespace carafe::replay {

std::uint64_t spare_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    std::uint64_t kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  }
  return std::numeric_limits<std::uint64_t>::max();
}

Cache make_segment(const Options& options) {
  const std::uint64_t spare = spare_memory_bytes();
  if (options.capacity_bytes > spare)
    throw tool::Failure(tool::kRefused, "a segment of " + std::to_string(options.capacity_bytes) + " bytes is more than the " +
                                            std::to_string(spare) + " that this machine has to spare; try smaller sizes");
  return Cache::create_anonymous(options);
}

}  // namespace carafe::replay
