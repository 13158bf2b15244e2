// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include "company/inmate.h"

namespace carafe::test {

/// A memory cgroup below our own, of version 1 or 2: what is above it keeps its limits. Gone with this object.
class MemoryCgroup {
 public:
  explicit MemoryCgroup(const std::string& label) {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string row; std::getline(groups, row) && path_.empty();) {
      const auto first = row.find(':');
      const auto second = row.find(':', first + 1);
      if (second == std::string::npos) continue;
      const std::string controllers = row.substr(first + 1, second - first - 1);
      const std::string name = "/" + label + "-" + std::to_string(::getpid());
      if (controllers == "memory") {
        make("/sys/fs/cgroup/memory" + row.substr(second + 1) + name, "memory.limit_in_bytes");
      } else if (controllers.empty()) {
        make("/sys/fs/cgroup" + row.substr(second + 1) + name, "memory.max");
      }
    }
  }
  ~MemoryCgroup() {
    if (made()) static_cast<void>(eventually(std::chrono::seconds(2), [this] { return ::rmdir(path_.c_str()) == 0; }));
  }
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;

  [[nodiscard]] bool made() const noexcept { return !path_.empty(); }
  [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }
  [[nodiscard]] bool limit(std::uint64_t bytes) const {
    static_cast<void>(write_file(path_ + "/memory.swap.max", "0"));  // version 2 only
    return write_file(path_ + "/" + limit_file_, std::to_string(bytes));
  }
  /// The calling process moves in.
  [[nodiscard]] bool enter() const { return write_file(path_ + "/cgroup.procs", std::to_string(::getpid())); }

 private:
  void make(const std::string& path, const char* limit_file) {
    if (::mkdir(path.c_str(), 0755) != 0) {
      why_not_ = "may not make a memory cgroup " + path + ": " + std::strerror(errno);
      return;
    }
    if (::access((path + "/" + limit_file).c_str(), W_OK) != 0) {  // version 2 without the controller
      why_not_ = "no memory controller in " + path;
      ::rmdir(path.c_str());
      return;
    }
    path_ = path;
    limit_file_ = limit_file;
  }

  std::string path_;
  const char* limit_file_ = "";
  std::string why_not_ = "no memory cgroup here";
};

}  // namespace carafe::test
