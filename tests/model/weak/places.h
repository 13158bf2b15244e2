// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/engine.h"

namespace carafe::weak {

/// What a word is. The first two are calm: their newest value is read, and nobody is made to wait in front of them. They are counters,
/// cursors and hints; whatever they say the outcome must be right, so little is lost, and the search stays small.
enum class Kind : std::uint8_t {
  kPrivate,  // not in the segment
  kAdvice,
  kEpoch,
  kStripeLock,
  kStripe,
  kDirectory,
  kPageLock,
  kPageClass,
  kSide,
  kBitmap,
  kVersion,
  kEntry,
  kPayload,
  kUncut,  // in a page that had no class
  kFlag,   // of a scenario
};
[[nodiscard]] const char* name_of(Kind kind) noexcept;
[[nodiscard]] inline bool is_calm(Kind kind) noexcept { return kind == Kind::kPrivate || kind == Kind::kAdvice; }
[[nodiscard]] inline bool is_lock(Kind kind) noexcept { return kind == Kind::kStripeLock || kind == Kind::kPageLock; }

/// Which word is which, by address. Pages as they were cut when this was made.
class Places {
 public:
  explicit Places(const Engine& engine);
  [[nodiscard]] Kind of(const void* address) const noexcept;
  /// Where in the segment; for people.
  [[nodiscard]] std::uint64_t offset(const void* address) const noexcept {
    return static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - base_);
  }
  /// A word outside the segment that is to count as one in it.
  void add_flag(const void* address) { flags_.push_back(address); }

 private:
  [[nodiscard]] Kind in_segment(std::uint64_t offset) const noexcept;
  [[nodiscard]] Kind in_page(std::uint64_t offset) const noexcept;

  const Engine& engine_;
  const std::byte* base_;
  std::vector<std::uint32_t> classes_;  // of pages
  std::vector<Kind> kinds_;             // of each four bytes
  std::vector<const void*> flags_;
};

}  // namespace carafe::weak
