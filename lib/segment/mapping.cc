// SPDX-License-Identifier: MIT
#include "segment/mapping.h"

#include <sys/mman.h>

#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>

#include "carafe/status.h"
#include "segment/failed_call.h"

namespace carafe {
namespace {

/// What Boost.Interprocess asks of something mappable: a handle. Ours is a descriptor that we opened and checked ourselves.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

 private:
  int fd_;
};

/// A free address where huge pages can be mapped; nullptr: anywhere will do. Another thread may be given it first.
const void* huge_aligned_address(std::size_t bytes, Pages pages) noexcept {
  if (pages == Pages::kSmall || bytes < kHugePageBytes) return nullptr;
  void* free = ::mmap(nullptr, bytes + kHugePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (free == MAP_FAILED) return nullptr;
  ::munmap(free, bytes + kHugePageBytes);
  return static_cast<std::byte*>(free) + (kHugePageBytes - reinterpret_cast<std::uintptr_t>(free) % kHugePageBytes) % kHugePageBytes;
}

}  // namespace

struct Mapping::Region {
  boost::interprocess::mapped_region region;
};

Mapping::Mapping() noexcept = default;
Mapping::~Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;
Mapping& Mapping::operator=(Mapping&&) noexcept = default;

Mapping Mapping::map(int fd, std::size_t bytes, bool read_only, Pages pages, const std::string& what) {
  namespace ipc = boost::interprocess;
  const auto region_at = [&](const void* address) {
    return ipc::mapped_region(Descriptor(fd), read_only ? ipc::read_only : ipc::read_write, 0, bytes, address);
  };
  try {
    Mapping mapping;
    mapping.region_ = std::make_unique<Region>();
    try {
      mapping.region_->region = region_at(huge_aligned_address(bytes, pages));
    } catch (const ipc::interprocess_exception& failure) {
      if (failure.get_native_error() != 0) throw;  // the kernel refused; else it gave another address, since this one was taken
      mapping.region_->region = region_at(nullptr);
    }
    ::madvise(mapping.base(), bytes, MADV_DONTDUMP);  // secrets, and the time a dump takes; best effort
    if (bytes >= kHugePageBytes) ::madvise(mapping.base(), bytes, pages == Pages::kSmall ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    return mapping;
  } catch (const ipc::interprocess_exception& failure) {
    throw Error(Status::kSystem, "carafe: cannot map " + what + ": " +
                                     failed_call("mmap of " + std::to_string(bytes) + " bytes", failure.get_native_error()));
  }
}

std::byte* Mapping::base() const noexcept { return region_ ? static_cast<std::byte*>(region_->region.get_address()) : nullptr; }
std::size_t Mapping::bytes() const noexcept { return region_ ? region_->region.get_size() : 0; }

}  // namespace carafe
