// SPDX-License-Identifier: MIT
#include "text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

#include "carafe/options.h"

namespace carafe::tool {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int hex_digit(char c) {
  const auto at = kDigits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// Takes the digits at the front of `text`; false when there are none or too many.
bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};

}  // namespace

std::string escape(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    if (c == '\\') {
      text += "\\\\";
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
    } else if (text.substr(i, 2) == "\\\\") {
      bytes += '\\';
      ++i;
    } else if (text.substr(i, 2) == "\\x" && i + 3 < text.size() && hex_digit(text[i + 2]) >= 0 && hex_digit(text[i + 3]) >= 0) {
      bytes += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
      i += 3;
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t more = lead < 0x80                    ? 0
                             : lead >= 0xc2 && lead <= 0xdf ? 1
                             : lead >= 0xe0 && lead <= 0xef ? 2
                             : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                            : 4;
    if (more == 4 || more >= bytes.size() - i) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(bytes[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      // Over-long forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
      if (k == 1 && ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) || (lead == 0xf0 && next < 0x90) ||
                     (lead == 0xf4 && next > 0x8f)))
        return false;
    }
    i += more + 1;
  }
  return true;
}

std::string bytes_text(const Context& context, std::uint64_t bytes) {
  if (context.bytes || bytes < 1024) return std::to_string(bytes);
  constexpr std::string_view kPrefixes = "KMGTPE";
  double scaled = static_cast<double>(bytes);
  std::size_t prefix = 0;
  // 1023.95K would be shown as 1024.0K: let it be 1.0M.
  for (scaled /= 1024; scaled >= 1023.95 && prefix + 1 < kPrefixes.size(); ++prefix) scaled /= 1024;
  if (scaled == std::floor(scaled)) return fmt::format("{:.0f}{}", scaled, kPrefixes[prefix]);
  return fmt::format("{:.1f}{}", scaled, kPrefixes[prefix]);
}

std::string count_text(const Context& context, std::uint64_t count) {
  std::string text = std::to_string(count);
  if (!context.terminal) return text;
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string rate_text(const Context& context, double per_second) {
  return per_second < 10 && per_second > 0 ? fmt::format("{:.1f}", per_second)
                                           : count_text(context, static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string percent_text(std::uint64_t hits, std::uint64_t gets) {
  return gets == 0 ? "-" : fmt::format("{:.1f}", 100.0 * static_cast<double>(hits) / static_cast<double>(gets));
}

std::string duration_text(std::uint64_t milliseconds) {
  if (milliseconds < 1000) return fmt::format("{}ms", milliseconds);
  const std::uint64_t seconds = milliseconds / 1000;
  const auto two = [](std::uint64_t large, const char* large_unit, std::uint64_t small, const char* small_unit, int width) {
    return small == 0 ? fmt::format("{}{}", large, large_unit) : fmt::format("{}{}{:0{}}{}", large, large_unit, small, width, small_unit);
  };
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s", 2);
  if (seconds < 86'400) return two(seconds / 3600, "h", seconds / 60 % 60, "m", 2);
  return two(seconds / 86'400, "d", seconds / 3600 % 24, "h", 1);
}

std::string ttl_text(std::chrono::milliseconds ttl) {
  return ttl == kForever ? "forever" : duration_text(static_cast<std::uint64_t>(std::max<std::int64_t>(ttl.count(), 0)));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "forever") return kForever;
  if (text == "0") return std::chrono::milliseconds(0);
  std::uint64_t total = 0;
  do {
    std::uint64_t number = 0;
    if (!take_number(text, number)) return std::nullopt;
    const auto letters = std::min(text.find_first_of("0123456789"), text.size());
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == text.substr(0, letters); });
    if (unit == std::end(kUnits)) return std::nullopt;
    text.remove_prefix(letters);
    std::uint64_t part = 0;
    if (__builtin_mul_overflow(number, unit->milliseconds, &part) || __builtin_add_overflow(total, part, &total)) return std::nullopt;
  } while (!text.empty());
  if (total >= static_cast<std::uint64_t>(kForever.count())) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  if (!take_number(text, number)) return std::nullopt;
  if (text.empty()) return number;
  constexpr std::string_view kPrefixes = "KMGT";
  const auto at = kPrefixes.find(static_cast<char>(text[0] >= 'a' ? text[0] - 'a' + 'A' : text[0]));
  const std::string_view rest = text.substr(1);
  if (at == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "iB" || rest == "ib" || rest == "b")) return std::nullopt;
  const auto shift = 10 * (at + 1);
  if (number > (~std::uint64_t{0} >> shift)) return std::nullopt;
  return number << shift;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t changed = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({row[k] + 1, row[k - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

}  // namespace carafe::tool
