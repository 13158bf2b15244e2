// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "carafe/tags.h"
#include "exit_code.h"
#include "key_argument.h"

namespace carafe::tool {

/// The tags that were typed. Throws Failure (2) when one cannot be a tag.
[[nodiscard]] inline std::vector<std::string> tags_of(const std::vector<std::string>& typed, bool escaped) {
  std::vector<std::string> tags;
  for (const std::string& text : typed) {
    std::string tag = bytes_of(text, escaped, "--tag");
    if (!Tags{tag}.is_valid())
      throw Failure(kUsage, fmt::format("--tag: a tag has 1 to {} bytes, and \"{}\" has {}", Tags::kMostBytes, escape(tag), tag.size()));
    tags.push_back(std::move(tag));
  }
  return tags;
}

}  // namespace carafe::tool
