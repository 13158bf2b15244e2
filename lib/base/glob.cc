// SPDX-License-Identifier: MIT
#include "base/glob.h"

#include <cstddef>

namespace carafe {
namespace {

/// The set that begins at pattern[at] == '[': whether `byte` is in it. Moves `at` behind the set; a set without an end is a plain '['.
bool set_matches(std::string_view pattern, std::size_t& at, unsigned char byte) noexcept {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i++]);
    unsigned char high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      ++i;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      high = static_cast<unsigned char>(pattern[i++]);
    }
    found = found || (low <= byte && byte <= high);
  }
  if (i >= pattern.size()) {
    ++at;
    return byte == '[';
  }
  at = i + 1;
  return found != negated;
}

/// Whether the element at pattern[at] (not '*') matches `byte`; moves `at` behind it.
bool one_matches(std::string_view pattern, std::size_t& at, char byte) noexcept {
  if (pattern[at] == '?') {
    ++at;
    return true;
  }
  if (pattern[at] == '[') return set_matches(pattern, at, static_cast<unsigned char>(byte));
  if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
  return pattern[at++] == byte;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t behind_star = std::string_view::npos;  // where to go on when the last * takes one byte more
  std::size_t taken_to = 0;
  for (;;) {
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      taken_to = t;
    } else if (t < text.size() && p < pattern.size() && one_matches(pattern, p, text[t])) {
      ++t;
    } else if (t == text.size() && p == pattern.size()) {
      return true;
    } else if (behind_star != std::string_view::npos && taken_to < text.size()) {
      p = behind_star;  // only the last * needs another try: an earlier one could gain nothing
      t = ++taken_to;
    } else {
      return false;
    }
  }
}

}  // namespace carafe
