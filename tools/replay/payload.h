// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace.h"

namespace carafe::replay {

/// What carafe is given for a request: a key, and a value that says whose it is, so that a wrong one would be noticed.
class Payload {
 public:
  /// Items of one size: keys of eight bytes (the trace's may be of many lengths), values of `value_bytes`.
  static Payload uniform(std::uint64_t value_bytes) { return Payload(true, value_bytes); }
  /// The trace's own keys and sizes; `value_bytes` where the trace has no sizes.
  static Payload of_trace(std::uint64_t value_bytes) { return Payload(false, value_bytes); }

  [[nodiscard]] std::string_view key(const Trace& trace, KeyId id) const noexcept {
    if (!uniform_) return trace.keys.bytes(id);
    return uniform_key(id);
  }
  [[nodiscard]] std::string_view uniform_key(std::uint64_t id) const noexcept;
  /// Valid until the next call.
  [[nodiscard]] std::string_view value(const Trace& trace, const Request& request) {
    return value_of(request.key, uniform_ || !trace.columns().sizes ? value_bytes_ : request.size);
  }
  [[nodiscard]] std::string_view value_of(std::uint64_t id, std::uint64_t bytes);
  /// Whether `value` can be what was stored for this key.
  [[nodiscard]] bool is_right(std::uint64_t id, std::string_view value) const noexcept;

 private:
  Payload(bool uniform, std::uint64_t value_bytes) : uniform_(uniform), value_bytes_(value_bytes) {}

  bool uniform_;
  std::uint64_t value_bytes_;
  mutable char key_[8] = {};
  std::string value_;
};

}  // namespace carafe::replay
