// SPDX-License-Identifier: MIT
#include "store/item_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/hash.h"
#include "carafe/file_store.h"
#include "store/rules.h"

namespace carafe {
namespace {

constexpr std::uint64_t kMagic = 0x3153'4546'4152'4143;  // "CARAFES1", read as this machine reads integers

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t checksum = 0;  // of all that follows, key and value included
  std::uint64_t ends_at_ms = 0;
  FileKind kind = FileKind::kLease;
  std::uint32_t key_bytes = 0;
  std::uint64_t value_bytes = 0;
};
static_assert(sizeof(Header) == 40);

std::uint64_t checksum_of(const Header& header, std::string_view key, std::string_view value) noexcept {
  const auto* rest = reinterpret_cast<const char*>(&header) + offsetof(Header, ends_at_ms);
  const std::uint64_t of_header = hash_key({rest, sizeof header - offsetof(Header, ends_at_ms)}, kMagic);
  return hash_key(value, hash_key(key, of_header));
}

bool read_all(int fd, void* to, std::size_t bytes, std::size_t offset) noexcept {
  auto* out = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(fd, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    const auto n = static_cast<std::size_t>(got);
    out += n;
    offset += n;
    bytes -= n;
  }
  return true;
}

bool write_all(int fd, const void* from, std::size_t bytes, std::size_t offset) noexcept {
  const auto* in = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t put = ::pwrite(fd, in, bytes, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    const auto n = static_cast<std::size_t>(put);
    in += n;
    offset += n;
    bytes -= n;
  }
  return true;
}

/// The header and the key, as far as their own numbers can tell.
bool read_head(int fd, Header& header, std::string& key) {
  if (!read_all(fd, &header, sizeof header, 0)) return false;
  if (header.magic != kMagic || header.key_bytes == 0 || header.key_bytes > kMaxKeyBytes) return false;
  key.resize(header.key_bytes);
  return read_all(fd, key.data(), key.size(), sizeof header);
}

}  // namespace

std::optional<ItemFile> read_item(int fd) {
  Header header;
  ItemFile item;
  if (!read_head(fd, header, item.key)) return std::nullopt;
  const std::size_t before_value = sizeof header + item.key.size();
  if (header.kind != FileKind::kLease) {  // a lease may be in the middle of being filled
    struct stat found {};
    if (::fstat(fd, &found) != 0 || header.value_bytes > FileStore::kLargestValueBytes ||
        static_cast<std::uint64_t>(found.st_size) != before_value + header.value_bytes)
      return std::nullopt;
  } else if (header.value_bytes != 0) {
    return std::nullopt;
  }
  item.value.resize(header.value_bytes);
  if (!read_all(fd, item.value.data(), item.value.size(), before_value)) return std::nullopt;
  if (header.checksum != checksum_of(header, item.key, item.value)) return std::nullopt;
  item.kind = header.kind;
  item.ends_at_ms = header.ends_at_ms;
  return item;
}

std::optional<std::string> read_item_key(int fd) {
  Header header;
  std::string key;
  if (!read_head(fd, header, key)) return std::nullopt;
  return key;
}

bool write_lease(int fd, std::string_view key) noexcept {
  Header header;
  header.key_bytes = static_cast<std::uint32_t>(key.size());
  header.checksum = checksum_of(header, key, {});
  return write_all(fd, key.data(), key.size(), sizeof header) && write_all(fd, &header, sizeof header, 0);
}

bool write_answer(int fd, std::string_view key, std::optional<std::string_view> value, std::uint64_t ends_at_ms) noexcept {
  const std::string_view bytes = value.value_or(std::string_view());
  Header header;
  header.ends_at_ms = ends_at_ms;
  header.kind = value ? FileKind::kValue : FileKind::kNothing;
  header.key_bytes = static_cast<std::uint32_t>(key.size());
  header.value_bytes = bytes.size();
  header.checksum = checksum_of(header, key, bytes);
  return write_all(fd, key.data(), key.size(), sizeof header) && write_all(fd, bytes.data(), bytes.size(), sizeof header + key.size()) &&
         write_all(fd, &header, sizeof header, 0);
}

}  // namespace carafe
