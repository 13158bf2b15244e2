// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace carafe {

/// A shared mapping of a whole file; unmapped with its last owner. Inherited by fork.
class Mapping {
 public:
  Mapping() noexcept;
  ~Mapping();
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;

  /// Maps the first `bytes` of `fd`, the file of `what`. Throws Error (kSystem). Left out of core dumps.
  [[nodiscard]] static Mapping map(int fd, std::size_t bytes, bool read_only, const std::string& what);

  [[nodiscard]] std::byte* base() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Region;
  std::unique_ptr<Region> region_;
};

}  // namespace carafe
