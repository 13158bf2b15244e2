// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>

#include "exit_code.h"
#include "text.h"

namespace carafe::tool {

inline constexpr const char* kEscapedHelp = "KEY is as carafe keys prints it: \\xNN is a byte";

/// The key that was typed: as it is, or with --escaped as `carafe keys` prints it. The one way to name a key with a NUL byte.
[[nodiscard]] inline std::string key_of(const std::string& typed, bool escaped) {
  if (!escaped) return typed;
  auto key = unescape(typed);
  if (!key) throw Failure(kUsage, fmt::format("with --escaped, a backslash in KEY begins \\xNN or is doubled: {}", escape(typed)));
  return *std::move(key);
}

/// What the cache said about one key, as a failure.
[[nodiscard]] inline Failure key_failure(const std::string& doing, const std::string& key, const std::string& segment, Status status) {
  return Failure(exit_code_of(status),
                 fmt::format("{} \"{}\" in segment \"{}\": {}: {}", doing, escape(key), segment, to_string(status), advice(status)));
}

}  // namespace carafe::tool
