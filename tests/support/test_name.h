// SPDX-License-Identifier: MIT
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace carafe::test {

/// A title in plain words as GoogleTest wants the name of a parameter: letters and digits, an underscore for each run of anything else.
inline std::string test_name(std::string_view title) {
  std::string name;
  for (const char c : title)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  return name;
}

}  // namespace carafe::test
