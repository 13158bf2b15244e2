// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "layout/limits.h"
#include "layout/slab_page.h"

namespace carafe {

/// How a page of one class is cut.
struct ClassShape {
  std::uint32_t chunk_bytes = 0;
  std::uint32_t chunks = 0;        // a page
  std::uint32_t bitmap_at = 0;     // from the page's start; side words are at 0
  std::uint32_t probation_at = 0;  // two more bitmaps (slab/probation_bits.h); none in pages of the index
  std::uint32_t chunks_at = 0;
  bool is_index = false;
  [[nodiscard]] std::uint32_t bitmap_words() const noexcept { return (chunks + 63) / 64; }
};

/// The size classes that follow from a page's size, the same in every process: items' (about eight a doubling, each grown until
/// its chunks fill the page, so nothing is lost at the page's end), then tables of the index (whole cache lines).
class SizeClasses {
 public:
  explicit SizeClasses(std::uint64_t page_bytes);

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(shapes_.size()); }
  [[nodiscard]] std::uint32_t item_count() const noexcept { return item_count_; }
  [[nodiscard]] const ClassShape& shape(std::uint32_t size_class) const noexcept { return shapes_[size_class]; }

  /// The smallest class whose chunks hold `bytes`; kNoClass beyond the largest.
  [[nodiscard]] std::uint32_t item_class(std::uint64_t bytes) const noexcept;
  /// The smallest class for a table of at least `buckets`; kNoClass beyond the largest.
  [[nodiscard]] std::uint32_t index_class(std::uint32_t buckets) const noexcept;
  [[nodiscard]] std::uint32_t buckets(std::uint32_t size_class) const noexcept {
    return shapes_[size_class].chunk_bytes / static_cast<std::uint32_t>(kCacheLineBytes);
  }
  [[nodiscard]] std::uint64_t largest_item_bytes() const noexcept { return shapes_[item_count_ - 1].chunk_bytes; }

 private:
  static constexpr std::size_t kDirect = 256;  // sizes up to 2 KiB are looked up, in steps of 8

  std::vector<ClassShape> shapes_;
  std::uint32_t item_count_ = 0;
  std::array<std::uint8_t, kDirect + 1> direct_{};
};

}  // namespace carafe
