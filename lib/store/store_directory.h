// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "segment/segment_file.h"

namespace carafe {

/// The directory of a FileStore, open for the length of one call.
///
///   directory/             0700, ours
///     items/               what there is; renamed away by clear, made by who writes next
///       0123...cdef        an item, or a lease, named by the key's 128-bit hash
///       .tmp-...           a file before it gets its name
///     .cleared-...         an items/ of the past, until its files are removed
///
/// Whoever holds items() open across a clear works on in the old one, where nobody looks: so a clear needs no lock.
class StoreDirectory {
 public:
  /// Opens `path` and its items; what is not there, or not ours alone, is not open. `make`: makes what is missing.
  StoreDirectory(const std::string& path, bool make);

  /// Throws Error where `path` is not, or cannot be made, a directory of ours alone.
  static void check(const std::string& path);

  [[nodiscard]] bool is_open() const noexcept { return items_.get() >= 0; }
  [[nodiscard]] int items() const noexcept { return items_.get(); }

  /// Opens what lies in items/ under that name: never through a link, never waiting, with errno.
  [[nodiscard]] Fd open_item(const std::string& name, int access) const noexcept;
  void unlink_item(const std::string& name) const noexcept;
  /// Whether that name means this file.
  [[nodiscard]] bool is_at(const std::string& name, int fd) const noexcept;

  /// A new file in items/, and its name.
  struct Temporary {
    Fd fd;
    std::string name;
  };
  [[nodiscard]] Temporary make_temporary() const;

  /// Empties the store for everybody, and removes the files.
  void clear() const;

 private:
  Fd root_;
  Fd items_;
};

[[nodiscard]] std::string item_name(std::string_view key);
[[nodiscard]] bool is_item_name(std::string_view name) noexcept;
[[nodiscard]] bool is_temporary_name(std::string_view name) noexcept;

/// Names in a directory, "." and ".." left out.
[[nodiscard]] std::vector<std::string> names_in(int directory);

}  // namespace carafe
