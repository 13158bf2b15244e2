// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "carafe/options.h"

namespace carafe {

/// Huge pages are mapped as such where address and offset agree modulo their size, and collected where somebody asks. True for x86-64 and for
/// arm64 with pages of 4 KiB; elsewhere huge pages do not come.
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// A shared mapping of a whole file; unmapped with its last owner. Inherited by fork.
class Mapping {
 public:
  Mapping() noexcept;
  ~Mapping();
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;

  /// Maps the first `bytes` of `fd`, the file of `what`, so that it may have huge pages unless `pages` says kSmall. Throws Error (kSystem). Left out
  /// of core dumps.
  [[nodiscard]] static Mapping map(int fd, std::size_t bytes, bool read_only, Pages pages, const std::string& what);

  [[nodiscard]] std::byte* base() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Region;
  std::unique_ptr<Region> region_;
};

}  // namespace carafe
