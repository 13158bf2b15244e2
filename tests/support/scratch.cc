// SPDX-License-Identifier: MIT
#include "support/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace carafe::test {
namespace {

constexpr std::string_view kDirectory = "/dev/shm/";
constexpr std::string_view kFilePrefix = "carafe.";
constexpr std::string_view kNamePrefix = "test.";

void unlink_whatever(const std::string& path) noexcept {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) ::rmdir(path.c_str());
}

/// Unlinks scratch segments "carafe.test.<pid>..." whose process is gone.
void sweep_leftovers() {
  const std::string prefix = std::string(kFilePrefix) + std::string(kNamePrefix);
  for (const std::string& file : shared_files_with(prefix)) {
    if (file.rfind(prefix, 0) != 0) continue;
    const long pid = std::strtol(file.c_str() + prefix.size(), nullptr, 10);
    if (pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) unlink_whatever(std::string(kDirectory) + file);
  }
}

}  // namespace

std::string segment_path(std::string_view name) { return std::string(kDirectory) + std::string(kFilePrefix) + std::string(name); }

ScratchName::ScratchName(std::string_view label) : owner_(::getpid()) {
  static std::atomic<unsigned> count{0};
  const unsigned number = count.fetch_add(1, std::memory_order_relaxed);
  if (number == 0) sweep_leftovers();
  name_ = std::string(kNamePrefix) + std::to_string(owner_) + "." + std::to_string(number) + "." + std::string(label);
  path_ = segment_path(name_);
}

ScratchName::~ScratchName() {
  if (::getpid() == owner_) unlink_whatever(path_);
}

Options with_capacity(std::size_t capacity_bytes) {
  Options options;
  options.capacity_bytes = capacity_bytes;
  return options;
}

std::vector<std::string> shared_files_with(std::string_view text) {
  std::vector<std::string> found;
  DIR* directory = ::opendir(std::string(kDirectory).c_str());
  if (directory == nullptr) return found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.find(text) != std::string_view::npos) found.emplace_back(name);
  }
  ::closedir(directory);
  return found;
}

std::string read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string bytes;
  struct stat status {};
  if (::fstat(fd, &status) == 0) bytes.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  ::close(fd);
  return bytes;
}

std::string read_file_of_unknown_size(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::uint64_t> mappings_of(const std::string& path, std::size_t bytes) {
  std::vector<std::uint64_t> addresses;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return addresses;
  std::istringstream maps(read_file_of_unknown_size("/proc/self/maps"));
  for (std::string row; std::getline(maps, row);) {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t inode = 0;
    if (std::sscanf(row.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64, &low, &high, &inode) != 3) continue;
    if (inode == status.st_ino && high - low >= bytes) addresses.push_back(low);
  }
  return addresses;
}

bool patch_file(const std::string& path, std::size_t offset, const void* bytes, std::size_t count) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::pwrite(fd, bytes, count, static_cast<off_t>(offset)) == static_cast<ssize_t>(count);
  ::close(fd);
  return written;
}

}  // namespace carafe::test
