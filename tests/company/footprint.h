// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "company/inmate.h"
#include "support/scratch.h"

namespace carafe::test {

/// What this process holds of the kernel's: to be compared before and after something that should leave nothing behind.
struct Footprint {
  std::map<int, std::string> descriptors;       // number, and what it is of
  std::map<std::string, std::uint64_t> mapped;  // bytes by file, "" for memory of no file (the heap of brk is left out)
  std::multiset<std::string> names;             // in the shared memory folder, with the text that was asked for

  [[nodiscard]] static Footprint take(const std::string& name_part) {
    Footprint now;
    if (DIR* folder = ::opendir("/proc/self/fd")) {
      const int own = ::dirfd(folder);
      while (const dirent* entry = ::readdir(folder)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == own) continue;
        char target[256] = {};
        const ssize_t length = ::readlinkat(own, entry->d_name, target, sizeof target - 1);
        now.descriptors[fd] = length > 0 ? target : "";
      }
      ::closedir(folder);
    }
    std::istringstream maps(read_file_of_unknown_size("/proc/self/maps"));
    for (std::string row; std::getline(maps, row);) {
      std::uint64_t low = 0;
      std::uint64_t high = 0;
      int path_at = 0;
      if (std::sscanf(row.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &low, &high, &path_at) < 2) continue;
      const std::string path = path_at > 0 ? row.substr(static_cast<std::size_t>(path_at)) : "";
      const bool allocators = path == "[heap]" || (path.empty() && CARAFE_ADDRESS_SANITIZER);
      if (!allocators && path != "[stack]") now.mapped[path] += high - low;
    }
    for (const std::string& file : shared_files_with(name_part)) now.names.insert(file);
    return now;
  }

  /// What is here and was not `before`, in words; empty when nothing is. So many `spare` descriptors are overlooked.
  [[nodiscard]] std::string beyond(const Footprint& before, std::size_t spare = 0) const {
    std::string text;
    for (const auto& [fd, target] : descriptors) {
      const auto found = before.descriptors.find(fd);
      if (found != before.descriptors.end() && found->second == target) continue;
      if (spare > 0) {
        --spare;
      } else {
        text += " descriptor " + std::to_string(fd) + " of " + target + ";";
      }
    }
    for (const auto& [path, bytes] : mapped) {
      const auto found = before.mapped.find(path);
      const std::uint64_t then = found == before.mapped.end() ? 0 : found->second;
      if (bytes > then) text += " " + std::to_string(bytes - then) + " bytes mapped of \"" + path + "\";";
    }
    for (const std::string& name : names)
      if (names.count(name) > before.names.count(name)) text += " name " + name + ";";
    return text;
  }
};

}  // namespace carafe::test
