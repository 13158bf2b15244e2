// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace carafe {
inline namespace v0 {

/// The tags of an item, by which many are invalidated at once (Cache::invalidate_tag): up to 8, of 1 to 256 bytes each. Views: the text
/// must live as long as the call it is handed to. What is wrong with them, the verb says (kBadTag).
class Tags {
 public:
  static constexpr std::size_t kMost = 8;
  static constexpr std::size_t kMostBytes = 256;

  constexpr Tags() noexcept = default;
  constexpr Tags(std::initializer_list<std::string_view> tags) noexcept {
    for (const std::string_view tag : tags) add(tag);
  }
  constexpr void add(std::string_view tag) noexcept {
    if (count_ < kMost) tags_[count_] = tag;
    valid_ = valid_ && count_ < kMost && !tag.empty() && tag.size() <= kMostBytes;
    if (count_ < kMost) ++count_;
  }
  /// False after an empty tag, one that is too long, or a ninth.
  [[nodiscard]] constexpr bool is_valid() const noexcept { return valid_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const std::string_view* begin() const noexcept { return tags_.data(); }
  [[nodiscard]] constexpr const std::string_view* end() const noexcept { return tags_.data() + count_; }

 private:
  std::array<std::string_view, kMost> tags_{};
  std::size_t count_ = 0;
  bool valid_ = true;
};

}  // namespace v0
}  // namespace carafe
