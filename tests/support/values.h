// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carafe::test {

/// Values that certify themselves. From kCertifiedBytes on, a value carries its length, its sequence number and a checksum over
/// these, the key and every byte of the body; one bit that belongs to another key, another sequence or another moment shows.
/// A shorter value is a prefix of a hash of key and sequence: to be compared with what it should be.
///
///   byte 0        8      16         24
///        | length | sequence | checksum | body, a function of key and sequence ... |
inline constexpr std::size_t kCertifiedBytes = 24;

/// Makes `value` the one for key and sequence. `secret` is mixed into everything: values of another run do not pass.
void make_value(std::string& value, std::string_view key, std::uint64_t sequence, std::size_t bytes, std::uint64_t secret = 0);
[[nodiscard]] std::string value_for(std::string_view key, std::uint64_t sequence, std::size_t bytes, std::uint64_t secret = 0);

/// The sequence number of an undamaged value of that key; nothing when anything is wrong, or it is too short to tell.
[[nodiscard]] std::optional<std::uint64_t> sequence_of(std::string_view key, std::string_view value, std::uint64_t secret = 0);

/// "prefix-000042", padded with 'k' in front of the number to `bytes` bytes when that is longer.
[[nodiscard]] std::string numbered_key(std::string_view prefix, std::uint64_t number, std::size_t bytes = 0);

}  // namespace carafe::test
