// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "segment/view.h"

namespace carafe {

/// A hand of one size class: it goes round the class's chunks in address order (CLOCK: F. J. Corbató, "A paging experiment with
/// the Multics system", 1968). Its position is shared, and advice: several processes may move it at once, and none holds it.
class ClockHand {
 public:
  struct Position {
    std::uint32_t page = 0;
    std::uint32_t chunk = 0;
  };

  ClockHand(const View& view, std::uint32_t size_class) noexcept : ClockHand(view, size_class, view.size_class(size_class).hand) {}
  /// Of the class's two hands the one at `position`.
  ClockHand(const View& view, std::uint32_t size_class, Atomic<std::uint64_t>& position) noexcept
      : view_(view), state_(view.size_class(size_class)), position_(position), size_class_(size_class) {}

  [[nodiscard]] Position position() const noexcept;
  void move_to(Position position) const noexcept;
  /// The class's next page after `page`, going round; `page` itself if it is the only one. False when the class has none.
  [[nodiscard]] bool next_page(std::uint32_t& page) const noexcept;
  /// Notes that the hand has left a page, and with it how long a whole turn takes at this pace.
  /// False when nothing was evicted there.
  bool note_page_turn() const noexcept;
  /// About the age of what the hand evicts, in milliseconds: how long a turn takes. Grows while the hand stands still.
  [[nodiscard]] std::uint64_t age_ms(std::uint64_t now_ms) const noexcept;

 private:
  const View& view_;
  ClassState& state_;
  Atomic<std::uint64_t>& position_;
  std::uint32_t size_class_;
};

}  // namespace carafe
