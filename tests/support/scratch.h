// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carafe/options.h"

namespace carafe::test {

/// A segment name that no other test has. What lies under it is unlinked when this ends, test failed or not; what a crashed
/// test binary left behind is swept away by the next one. A forked child's copy does nothing.
class ScratchName {
 public:
  explicit ScratchName(std::string_view label);
  ~ScratchName();
  ScratchName(const ScratchName&) = delete;
  ScratchName& operator=(const ScratchName&) = delete;

  [[nodiscard]] const std::string& str() const noexcept { return name_; }
  /// The file of the segment.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  operator std::string_view() const noexcept { return name_; }  // NOLINT(google-explicit-constructor)

 private:
  std::string name_;
  std::string path_;
  pid_t owner_;
};

/// Where the file of the segment `name` is.
[[nodiscard]] std::string segment_path(std::string_view name);

/// Options with this capacity and all else default.
[[nodiscard]] Options with_capacity(std::size_t capacity_bytes);

inline constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Names of the files in /dev/shm that contain `text`.
[[nodiscard]] std::vector<std::string> shared_files_with(std::string_view text);

/// All bytes of a file; empty when it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);
/// The same for files of /proc, which have no size.
[[nodiscard]] std::string read_file_of_unknown_size(const std::string& path);
/// Addresses where this process has at least `bytes` of that file mapped, by whatever name the kernel knows it.
[[nodiscard]] std::vector<std::uint64_t> mappings_of(const std::string& path, std::size_t bytes);
/// Overwrites bytes of a file in place. False when that fails.
[[nodiscard]] bool patch_file(const std::string& path, std::size_t offset, const void* bytes, std::size_t count);

}  // namespace carafe::test
