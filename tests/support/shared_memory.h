// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace carafe::test {

/// Memory that a test shares with its children, apart from carafe: where they meet, and where results are told.
/// Zero at first. Forked children have it as it is; re-executed ones get `argument()` and map it by `inherit`.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes);
  [[nodiscard]] static SharedMemory inherit(const std::string& argument);
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;

  /// What a re-executed child needs to find it.
  [[nodiscard]] std::string argument() const;

  /// The memory as a T, whose members are zero when all bytes are.
  template <typename T>
  [[nodiscard]] T& as() noexcept {
    static_assert(std::is_standard_layout_v<T>);
    return *static_cast<T*>(memory_);
  }

 private:
  SharedMemory(int fd, std::size_t bytes);

  int fd_ = -1;
  std::size_t bytes_ = 0;
  void* memory_ = nullptr;
};

/// Where processes wait for one another; lies in shared memory. Gives up after 20 s (a peer died), and says so.
class Meeting {
 public:
  /// Returns once `count` processes have come here as often as the caller has. False when time ran out.
  bool meet(std::uint32_t count) noexcept;

 private:
  std::atomic<std::uint32_t> arrived_;
};

}  // namespace carafe::test
