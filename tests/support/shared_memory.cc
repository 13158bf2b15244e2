// SPDX-License-Identifier: MIT
#include "support/shared_memory.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace carafe::test {

SharedMemory::SharedMemory(std::size_t bytes) : SharedMemory(::memfd_create("carafe-test", 0), bytes) {}

SharedMemory::SharedMemory(int fd, std::size_t bytes) : fd_(fd), bytes_(bytes) {
  if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) throw std::runtime_error("no shared memory for the test");
  memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory_ == MAP_FAILED) throw std::runtime_error("cannot map the test's shared memory");
}

SharedMemory SharedMemory::inherit(const std::string& argument) {
  const int fd = std::stoi(argument);
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw std::runtime_error("the test's shared memory was not inherited");
  return {fd, static_cast<std::size_t>(status.st_size)};
}

SharedMemory::~SharedMemory() {
  if (memory_ == nullptr) return;
  ::munmap(memory_, bytes_);
  ::close(fd_);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), bytes_(other.bytes_), memory_(std::exchange(other.memory_, nullptr)) {}

std::string SharedMemory::argument() const { return std::to_string(fd_); }

bool Meeting::meet(std::uint32_t count) noexcept {
  const std::uint32_t mine = arrived_.fetch_add(1, std::memory_order_acq_rel);
  const std::uint32_t awaited = (mine / count + 1) * count;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (arrived_.load(std::memory_order_acquire) < awaited) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    ::sched_yield();
  }
  return true;
}

}  // namespace carafe::test
