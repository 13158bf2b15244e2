// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>

#include "exit_code.h"
#include "text.h"

namespace carafe::tool {

inline constexpr const char* kEscapedHelp = "Names and keys are as carafe prints them: \\xNN is a byte";

/// What was typed for `what`: as it is, or with --escaped as carafe prints it. The one way to type a NUL byte.
[[nodiscard]] inline std::string bytes_of(const std::string& typed, bool escaped, const char* what) {
  if (!escaped) return typed;
  auto bytes = unescape(typed);
  if (!bytes) throw Failure(kUsage, fmt::format("with --escaped, a backslash in {} begins \\xNN or is doubled: {}", what, escape(typed)));
  return *std::move(bytes);
}
[[nodiscard]] inline std::string key_of(const std::string& typed, bool escaped) { return bytes_of(typed, escaped, "KEY"); }

/// What the cache said about one key, as a failure. `where` is the segment, or more exactly where in it.
[[nodiscard]] inline Failure key_failure(const std::string& doing, const std::string& key, const std::string& where, Status status) {
  return Failure(exit_code_of(status),
                 fmt::format("{} \"{}\" in {}: {}: {}", doing, escape(key), where, to_string(status), advice(status)));
}

}  // namespace carafe::tool
