// SPDX-License-Identifier: MIT
#include "segment/names.h"

#include <algorithm>

#include "carafe/status.h"

namespace carafe {

void check_name(std::string_view name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 200 || !std::all_of(name.begin(), name.end(), fine)) {
    std::string shown;
    for (char c : name.substr(0, 60)) shown += c >= ' ' && c <= '~' ? c : '?';
    throw Error(Status::kBadName, "carafe: bad segment name \"" + shown + "\" of " + std::to_string(name.size()) +
                                      " bytes: use 1 to 200 bytes of letters, digits, '.', '_' and '-'");
  }
}

std::string path_of(std::string_view name) {
  std::string path(kSegmentDirectory);
  path += '/';
  path += kSegmentPrefix;
  path += name;
  return path;
}

}  // namespace carafe
