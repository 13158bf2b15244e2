// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "carafe/cache.h"
#include "fuzz/require.h"

namespace carafe::fuzz {

/// A place in the address space, as large as a segment and between a gibibyte each of memory that nobody may touch. The kernel puts a
/// mapping into the highest gap that holds it, so the next one of that size lands here, and a read outside it ends the process at once.
/// While it is not in use it is plugged: any small mapping would land here, too.
class GuardedHole {
 public:
  explicit GuardedHole(std::size_t bytes) : bytes_(bytes) { reserve(); }
  GuardedHole(const GuardedHole&) = delete;
  GuardedHole& operator=(const GuardedHole&) = delete;

  /// What open() makes maps a segment. Opens until the mapping lies here; where it did not, that other place is filled up for good.
  template <typename Open>
  Cache open(Open&& open) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      ::munmap(hole_, bytes_);
      try {
        std::optional<Cache> cache(open());
        if (is_mapped()) {
          return *std::move(cache);
        }
      } catch (...) {
        plug();
        throw;
      }
      static_cast<void>(map_nothing(nullptr, bytes_, 0));
      plug();
    }
    require(false, "a mapping lands between its guards");
    return open();
  }
  /// To be called when that mapping is gone.
  void close() { plug(); }

 private:
  static constexpr std::size_t kGuardBytes = std::size_t{1} << 30;

  static void* map_nothing(void* where, std::size_t bytes, int flags) noexcept {
    return ::mmap(where, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  }
  void reserve() {
    void* all = map_nothing(nullptr, bytes_ + 2 * kGuardBytes, 0);
    require(all != MAP_FAILED, "the address space has room for guards");
    hole_ = static_cast<std::byte*>(all) + kGuardBytes;
  }
  /// If somebody else got in meanwhile, it is given up for another one.
  void plug() {
    if (map_nothing(hole_, bytes_, MAP_FIXED_NOREPLACE) != hole_) reserve();
  }
  [[nodiscard]] bool is_mapped() const noexcept {
    std::array<unsigned char, 256> resident{};
    require(bytes_ / 4096 <= resident.size(), "segments are of 1 MiB here");
    return ::mincore(hole_, bytes_, resident.data()) == 0;
  }

  std::size_t bytes_;
  std::byte* hole_ = nullptr;
};

/// A cache whose mapping lies in such a place, until it is destroyed.
class GuardedCache {
 public:
  template <typename Open>
  GuardedCache(GuardedHole& hole, Open&& open) : hole_(hole), cache_(hole.open(open)) {}
  ~GuardedCache() {
    cache_.reset();
    hole_.close();
  }
  GuardedCache(const GuardedCache&) = delete;
  GuardedCache& operator=(const GuardedCache&) = delete;
  Cache& operator*() noexcept { return *cache_; }

 private:
  GuardedHole& hole_;
  std::optional<Cache> cache_;
};

}  // namespace carafe::fuzz
