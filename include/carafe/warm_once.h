// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace carafe {
inline namespace v0 {

/// What Cache::warm_once comes to.
enum class WarmUp : std::uint8_t {
  kDone,       ///< We ran it.
  kAlready,    ///< It was done.
  kElsewhere,  ///< Another one is at it, for longer than we wait; or it cannot be done through this handle. Go on without.
};

/// How Cache::warm_once does it. Fields will be added; use designated initialisers.
struct WarmOptions {
  /// How long to wait for another one who is at it. 0 (default): go on at once.
  std::chrono::milliseconds wait{0};
};

}  // namespace v0
}  // namespace carafe
