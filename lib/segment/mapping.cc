// SPDX-License-Identifier: MIT
#include "segment/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

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

/// Address space with a place in it where huge pages can be mapped. What nobody mapped over goes back with this object.
class Room {
 public:
  explicit Room(std::size_t bytes) noexcept : bytes_(round_up(bytes)) {
    void* begin = ::mmap(nullptr, bytes_ + kHugePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin != MAP_FAILED) begin_ = static_cast<std::byte*>(begin);
  }
  ~Room() {
    if (begin_ == nullptr) return;
    const std::size_t before = taken_ ? distance() : bytes_ + kHugePageBytes;
    if (before != 0) ::munmap(begin_, before);
    if (taken_) ::munmap(begin_ + before + bytes_, kHugePageBytes - before);
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// nullptr: the address space is limited.
  [[nodiscard]] void* place() const noexcept { return begin_ == nullptr ? nullptr : begin_ + distance(); }
  void take() noexcept { taken_ = true; }

 private:
  static std::size_t round_up(std::size_t bytes) noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
  }
  [[nodiscard]] std::size_t distance() const noexcept {
    return (kHugePageBytes - reinterpret_cast<std::uintptr_t>(begin_) % kHugePageBytes) % kHugePageBytes;
  }

  const std::size_t bytes_;
  std::byte* begin_ = nullptr;
  bool taken_ = false;
};

boost::interprocess::mapped_region map_region(int fd, std::size_t bytes, bool read_only, Pages pages) {
  namespace ipc = boost::interprocess;
  const Descriptor file(fd);
  const ipc::mode_t mode = read_only ? ipc::read_only : ipc::read_write;
  if (pages == Pages::kSmall || bytes < kHugePageBytes) return {file, mode, 0, bytes};
  Room room(bytes);
  if (room.place() == nullptr) return {file, mode, 0, bytes};
  ipc::mapped_region region(file, mode, 0, bytes, room.place(), MAP_FIXED);  // over what is ours
  room.take();
  return region;
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
  try {
    Mapping mapping;
    mapping.region_ = std::make_unique<Region>();
    mapping.region_->region = map_region(fd, bytes, read_only, pages);
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
