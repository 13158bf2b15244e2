// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/shared_layout.h"

namespace carafe {

/// An item's extension: one word for all kinds, then words of each kind it is of, in this order.
///
///   bit 63   24 23        8 7      4 3     0
///       | stamp | namespace | tags   | kinds |
///
/// stamp:     layout/namespace_record.h. namespace: number, 0 = none.
/// kLease:    {owner}: no value, but a promise of one, which `owner` (LockWord) computes (cache/leases.h).
/// kSoft:     {soft time 40 | cost 24, refresher}: past its soft time (ms) a value is stale, and `refresher` (LockWord, 0 = nobody) computes a new one;
///            cost: ms that computing it took.
/// kNone:     there is no value, and that is what is cached. kFailed: and computing it failed.
/// tags:      how many; their places in the table of tags, 16 bits each, four to a word.
struct Extension {
  static constexpr std::uint64_t kLease = 1;
  static constexpr std::uint64_t kSoft = 2;
  static constexpr std::uint64_t kNone = 4;
  static constexpr std::uint64_t kFailed = 8;
  static constexpr std::uint64_t kKinds = 0xf;

  static constexpr std::uint64_t make(std::uint64_t kinds, std::size_t tags, std::uint32_t space, std::uint64_t stamp) noexcept {
    return (stamp << 24) | (std::uint64_t{space} << 8) | (std::uint64_t{tags} << 4) | kinds;
  }
  static constexpr bool is(std::uint64_t word, std::uint64_t kind) noexcept { return (word & kind) != 0; }
  static constexpr std::uint32_t space(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 8) & 0xffffU; }
  static constexpr std::uint64_t stamp(std::uint64_t word) noexcept { return word >> 24; }
  static constexpr std::uint64_t with_stamp(std::uint64_t word, std::uint64_t stamp) noexcept { return (stamp << 24) | (word & 0xffffff); }
  /// Never more than eight, whatever the word says.
  static constexpr std::size_t tags(std::uint64_t word) noexcept {
    return (word >> 4 & 0xf) < kMaxItemTags ? word >> 4 & 0xf : kMaxItemTags;
  }
  static constexpr std::size_t owner_at() noexcept { return 8; }
  static constexpr std::size_t soft_at(std::uint64_t word) noexcept { return is(word, kLease) ? 16 : 8; }
  static constexpr std::size_t refresher_at(std::uint64_t word) noexcept { return soft_at(word) + 8; }
  static constexpr std::size_t tags_at(std::uint64_t word) noexcept { return soft_at(word) + (is(word, kSoft) ? 16U : 0U); }
  static constexpr std::size_t bytes(std::uint64_t word) noexcept {
    return (word & 0xff) == 0 ? sizeof word : tags_at(word) + (tags(word) + 3) / 4 * 8;
  }

  static constexpr std::uint64_t kNeverSoft = (std::uint64_t{1} << 40) - 1;  // 34 years from boot
  static constexpr std::uint64_t soft(std::uint64_t time_ms, std::uint64_t cost_ms) noexcept {
    return ((time_ms < kNeverSoft ? time_ms : kNeverSoft) << 24) | (cost_ms < 0xffffff ? cost_ms : 0xffffff);
  }
  static constexpr std::uint64_t soft_ms(std::uint64_t soft_word) noexcept { return soft_word >> 24; }
  static constexpr std::uint64_t cost_ms(std::uint64_t soft_word) noexcept { return soft_word & 0xffffff; }
};
static_assert(kMaxItemTags <= 0xf && kMaxNamespaces <= 0xffff);

/// An item's first chunk:
///
///   byte 0                 8                 16 (or 8)
///        | epoch | lengths | expiry, if flagged | chain, if flagged (24) | extension, if flagged (8 to 40) | key | value ... |
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
/// extension: what few items have; layout below.
struct ItemHeader {
  static constexpr std::uint64_t kExpires = 1;
  static constexpr std::uint64_t kChained = 2;
  static constexpr std::uint64_t kExtended = 4;
  static constexpr std::size_t kMaxValueBytes = 0x1ffff;

  std::uint64_t word = 0;
  std::uint64_t extension = 0;  // its first word (Extension), where there is one

  static constexpr ItemHeader make(std::uint32_t epoch, std::size_t key_bytes, std::size_t value_bytes, bool expires,
                                   bool chained) noexcept {
    return {(std::uint64_t{epoch} << 32) | (std::uint64_t{key_bytes - 1} << 20) | (std::uint64_t{value_bytes} << 3) |
                (chained ? kChained : 0) | (expires ? kExpires : 0),
            0};
  }
  /// Whether two header words name the same epoch and as long a key.
  static constexpr bool is_alike(std::uint64_t one, std::uint64_t other) noexcept { return (one ^ other) >> 20 == 0; }
  /// With that extension; 0 is none.
  [[nodiscard]] constexpr ItemHeader with_extension(std::uint64_t first_word) const noexcept {
    return first_word == 0 ? *this : ItemHeader{word | kExtended, first_word};
  }
  [[nodiscard]] constexpr std::uint32_t epoch() const noexcept { return static_cast<std::uint32_t>(word >> 32); }
  [[nodiscard]] constexpr std::size_t key_bytes() const noexcept { return ((word >> 20) & 0xfff) + 1; }
  [[nodiscard]] constexpr std::size_t value_bytes() const noexcept { return (word >> 3) & kMaxValueBytes; }
  [[nodiscard]] constexpr bool expires() const noexcept { return (word & kExpires) != 0; }
  [[nodiscard]] constexpr bool chained() const noexcept { return (word & kChained) != 0; }
  [[nodiscard]] constexpr std::size_t expiry_at() const noexcept { return 8; }
  [[nodiscard]] constexpr std::size_t chain_at() const noexcept { return expires() ? 16 : 8; }
  [[nodiscard]] constexpr bool extended() const noexcept { return (word & kExtended) != 0; }
  [[nodiscard]] constexpr std::size_t extension_at() const noexcept { return chain_at() + (chained() ? 24U : 0U); }
  [[nodiscard]] constexpr std::size_t key_at() const noexcept { return extension_at() + (extended() ? Extension::bytes(extension) : 0U); }
  /// The namespace; 0 is none.
  [[nodiscard]] constexpr std::uint32_t space() const noexcept { return extended() ? Extension::space(extension) : 0; }
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
