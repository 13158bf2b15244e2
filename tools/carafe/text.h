// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "context.h"

/// Between values and what people read and type.
namespace carafe::tool {

/// `bytes` as printable ASCII: everything else as \xNN, a backslash as two. Safe to print on any terminal; unescape reads it back.
[[nodiscard]] std::string escape(std::string_view bytes);
/// The inverse of escape; nothing when `text` has a backslash that escape would not have written.
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);
/// Whether `bytes` may stand in a JSON string as they are.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

/// 231.4M, 256M, 512; powers of 1024. With --bytes the exact number.
[[nodiscard]] std::string bytes_text(const Context& context, std::uint64_t bytes);
/// 418,220 on a terminal, 418220 elsewhere.
[[nodiscard]] std::string count_text(const Context& context, std::uint64_t count);
/// 4,821 or 3.2, of what happens in a second.
[[nodiscard]] std::string rate_text(const Context& context, double per_second);
/// 93.1 of hits and gets; "-" when there were none.
[[nodiscard]] std::string percent_text(std::uint64_t hits, std::uint64_t gets);
/// 250ms, 12s, 5m, 2h03m, 9d4h: the two largest units.
[[nodiscard]] std::string duration_text(std::uint64_t milliseconds);
/// The same for a time to live, which may be kForever.
[[nodiscard]] std::string ttl_text(std::chrono::milliseconds ttl);

/// "5m", "1h30m", "250ms", "2d", "forever", and "0"; nothing when it is none of these.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "256M", "1G", "64MiB", "1048576"; nothing when it is no such number, or beyond 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// How many letters have to change to come from `a` to `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace carafe::tool
