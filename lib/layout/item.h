// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/shared_layout.h"

namespace carafe {

/// An item's first chunk:
///
///   byte 0                 8                 16 (or 8)
///        | epoch | lengths | expiry, if flagged | chain, if flagged (24) | extension, if flagged (16) | key | value ... |
///
/// Header word, 8 bytes:
///
///   bit 63     32 31      20 19       3  2          1         0
///       | epoch  | key - 1   | value 17 | extended | chained | expires |
///
/// epoch:   the segment's epoch when the item was stored; another one means outdated.
/// value:   bytes of the value in this chunk. All of it, unless chained.
/// expiry:  milliseconds on the segment's clock, 8 bytes, aligned, so that touch is one store. ~0 = never.
/// chain:   {first part, total value bytes, chain id}, 8 bytes each.
/// extension: {kinds, owner}, 8 bytes each. kLease: no value, but a promise of one; `owner` (LockWord) computes it (cache/leases.h).
struct ItemHeader {
  static constexpr std::uint64_t kExpires = 1;
  static constexpr std::uint64_t kChained = 2;
  static constexpr std::uint64_t kExtended = 4;
  static constexpr std::size_t kMaxValueBytes = 0x1ffff;
  static constexpr std::size_t kExtensionBytes = 16;
  static constexpr std::uint64_t kLease = 1;  // of the extension's kinds

  std::uint64_t word = 0;

  static constexpr ItemHeader make(std::uint32_t epoch, std::size_t key_bytes, std::size_t value_bytes, bool expires,
                                   bool chained) noexcept {
    return {(std::uint64_t{epoch} << 32) | (std::uint64_t{key_bytes - 1} << 20) | (std::uint64_t{value_bytes} << 3) |
            (chained ? kChained : 0) | (expires ? kExpires : 0)};
  }
  [[nodiscard]] constexpr ItemHeader with_extension() const noexcept { return {word | kExtended}; }
  [[nodiscard]] constexpr std::uint32_t epoch() const noexcept { return static_cast<std::uint32_t>(word >> 32); }
  [[nodiscard]] constexpr std::size_t key_bytes() const noexcept { return ((word >> 20) & 0xfff) + 1; }
  [[nodiscard]] constexpr std::size_t value_bytes() const noexcept { return (word >> 3) & kMaxValueBytes; }
  [[nodiscard]] constexpr bool expires() const noexcept { return (word & kExpires) != 0; }
  [[nodiscard]] constexpr bool chained() const noexcept { return (word & kChained) != 0; }
  [[nodiscard]] constexpr std::size_t expiry_at() const noexcept { return 8; }
  [[nodiscard]] constexpr std::size_t chain_at() const noexcept { return expires() ? 16 : 8; }
  [[nodiscard]] constexpr bool extended() const noexcept { return (word & kExtended) != 0; }
  [[nodiscard]] constexpr std::size_t extension_at() const noexcept { return chain_at() + (chained() ? 24U : 0U); }
  [[nodiscard]] constexpr std::size_t key_at() const noexcept { return extension_at() + (extended() ? kExtensionBytes : 0U); }
  [[nodiscard]] constexpr std::size_t value_at() const noexcept { return key_at() + key_bytes(); }
  /// Bytes of this chunk in use.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept { return value_at() + value_bytes(); }
};
static_assert(kMaxKeyBytes == 0x1000);

inline constexpr std::uint64_t kNeverExpires = ~std::uint64_t{0};

/// How one chunk of a chain names the next, in one word: where, and how many bytes of the value lie there.
///
///   bit 63          24 23        0
///       | offset / 8 40 | bytes 24 |       all zero: no more
struct PartRef {
  static constexpr std::uint64_t make(std::uint64_t offset, std::size_t bytes) noexcept { return ((offset >> 3) << 24) | bytes; }
  static constexpr std::uint64_t offset(std::uint64_t word) noexcept { return (word >> 24) << 3; }
  static constexpr std::size_t bytes(std::uint64_t word) noexcept { return word & 0xffffff; }
};

/// A later chunk of a chain: | next part (PartRef) | chain id | bytes of the value ... |
inline constexpr std::size_t kPartNextAt = 0;
inline constexpr std::size_t kPartChainIdAt = 8;
inline constexpr std::size_t kPartBytesAt = 16;

}  // namespace carafe
