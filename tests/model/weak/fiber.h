// SPDX-License-Identifier: MIT
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace carafe::weak {

/// A thread of control that runs only while somebody is within resume(). Used again and again: making one costs a stack.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() begins `body`, whatever became of the last one.
  void start(std::function<void()> body);
  /// Runs the body until it leaves or ends.
  void resume();
  /// From within the body: back to whoever resumed it.
  void leave();
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

 private:
  static constexpr std::size_t kStackBytes = 256 << 10;

  static void enter(unsigned high, unsigned low);

  std::unique_ptr<std::byte[]> stack_;
  std::function<void()> body_;
  ucontext_t inside_{};
  ucontext_t outside_{};
  bool ended_ = true;
};

}  // namespace carafe::weak
