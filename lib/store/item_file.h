// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carafe {

/// The files of a FileStore.
///
///   byte 0     8          16           24     28          32            40
///        | magic | checksum | ends_at_ms | kind | key_bytes | value_bytes | key | value |
///
/// Writers: whoever has it open before anybody can find it by name; of a lease, its owner, who fills it in place. What has become a value
///          never changes again: a set puts another file under the name.
/// Readers: believe it if magic, lengths and checksum say so.
enum class FileKind : std::uint32_t {
  kValue = 1,
  kNothing,  // a loader found that there is nothing
  kLease,    // is being computed by who holds flock(2) on it; by nobody, if nobody does
};

struct ItemFile {
  FileKind kind = FileKind::kLease;
  std::uint64_t ends_at_ms = 0;  // wall clock
  std::string key;
  std::string value;
};

/// The whole file; nothing where it makes no sense.
[[nodiscard]] std::optional<ItemFile> read_item(int fd);
/// The key alone, unchecked but for its length, of a file of any kind; nothing where it has none.
[[nodiscard]] std::optional<std::string> read_item_key(int fd);

/// Writes the file from its beginning. False, with errno, when the disk refused.
[[nodiscard]] bool write_lease(int fd, std::string_view key) noexcept;
/// The same, but so that a file which is a lease is one until the last write. No value: kNothing.
[[nodiscard]] bool write_answer(int fd, std::string_view key, std::optional<std::string_view> value, std::uint64_t ends_at_ms) noexcept;

}  // namespace carafe
