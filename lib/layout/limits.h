// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// Every maximum, with its reason. All are part of the layout.
namespace carafe {

inline constexpr std::uint64_t kMinCapacityBytes = std::uint64_t{1} << 20;  // 100 slab pages of 8 KiB and the tables around them
inline constexpr std::uint64_t kMaxCapacityBytes = std::uint64_t{1} << 40;  // offsets of 40 bits count units of 8 bytes; generous
inline constexpr std::uint64_t kMinPageBytes = 8 << 10;                     // a chunk must hold the longest key and a header
inline constexpr std::uint64_t kMaxPageBytes = 1 << 20;                     // emptying a page must stay within a millisecond or two
inline constexpr std::uint64_t kPagesWanted = 256;                          // fewer than 128 and slab classes starve each other

inline constexpr std::size_t kMaxKeyBytes = 4096;
inline constexpr std::size_t kMaxNamespaceBytes = 88;  // of a name; with the release two cache lines
inline constexpr std::size_t kMaxReleaseBytes = 40;
inline constexpr std::uint64_t kMinNamespaces = 16;
inline constexpr std::uint64_t kMaxNamespaces = 0xffff;  // 16 bits of an item's extension
inline constexpr std::size_t kMaxItemTags = 8;
inline constexpr std::uint32_t kMinWorkers = 4;
inline constexpr std::uint32_t kMaxWorkers = 4096;  // 12 bits of a claim word

inline constexpr std::uint32_t kStripeBits = 18;  // of an ownership word
inline constexpr std::uint32_t kMinStripes = 32;
inline constexpr std::uint32_t kMaxStripes = 1U << kStripeBits;
inline constexpr std::uint64_t kBytesPerStripe = 64 << 10;  // so a stripe's table stays within a few KiB, or tens with the smallest items
inline constexpr std::uint64_t kBytesPerSmallStripe = 40 << 10;

inline constexpr std::uint32_t kTagBits = 20;            // of an entry, and of an ownership word
inline constexpr std::uint32_t kMinChunkBytes = 32;      // any chunk has as many bytes
inline constexpr std::uint32_t kMaxClasses = 192;        // item and index classes together; 255 means no class
inline constexpr std::uint32_t kMaxTableBuckets = 2047;  // of 12 bits in a directory word

inline constexpr std::uint32_t kValueDivisor = 4;  // the largest value is capacity / 4

// Bounds of loops in shared memory.
inline constexpr int kReadTries = 8;               // optimistic reads before the chunk's own word decides
inline constexpr std::uint32_t kHandVisits = 256;  // chunks looked at for one victim; then the coldest seen goes
inline constexpr int kWriteTries = 6;              // a set that has to rebuild its stripe's table and lock again

}  // namespace carafe
