// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "carafe/export.h"
#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/status.h"
#include "carafe/store.h"

namespace carafe {
inline namespace v0 {

/// A Store in a directory, a file a key: outlives reboots, and needs no shared memory. Nothing is evicted: call sweep now and then, and
/// watch the disk.
///
/// Who may call:  any thread and process, several at once; also after fork. Holds no descriptor between calls.
/// Errors:        open throws; afterwards std::bad_alloc apart nothing does. A file that is cut short, foreign or damaged is a miss.
/// Death:         a process may be killed at any instruction; it leaves at most a file that is no value, for sweep to find. Where a
///                process dies while it loads, a child that it forked meanwhile keeps its lease until that ends or executes another program.
/// Time:          the system's clock, since a ttl outlives boots; who sets that clock moves every expiry.
/// Cost:          a get is about ten system calls, a set a new file and a rename: a hundred times what memory costs and more, by file system.
///                Nothing is flushed to the disk: what a power failure spoils is a miss.
class CARAFE_EXPORT FileStore {
 public:
  static constexpr std::size_t kLargestValueBytes = std::size_t{256} << 20;

  /// Opens the directory, or makes it (its parent must exist). Error kNotTrusted where it is not ours, others may enter it (mode 0700 is
  /// what it takes) or it is a symbolic link; kNoPermission, kSystem.
  [[nodiscard]] static FileStore open(std::string_view directory);

  [[nodiscard]] std::optional<std::string> get(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key);
  /// kOk, or the key holds nothing: kTooLarge, kNoSpace, kSystem; kBadKey.
  [[nodiscard]] Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever);
  [[nodiscard]] Status set(std::string_view key, std::string_view value, const SetOptions& options) { return set(key, value, options.ttl); }
  [[nodiscard]] Status erase(std::string_view key);
  /// Looks into every file. A load that begins while this runs may store what it found.
  std::uint64_t erase_prefix(std::string_view prefix);
  /// One rename, then all are gone for everybody; removing the files takes as long as it takes.
  void clear();
  /// As Cache::get_or_load, among all processes that use this directory. Those who wait look every 20 ms or sooner.
  template <typename Loader>
  [[nodiscard]] detail::LoadResult<Loader> get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) {
    return detail::load_by(loader,
                           [&](const detail::LoadFunction& run, detail::Nothing nothing) { return load(key, run, options, nothing); });
  }

  /// Removes the files of what has expired, and what dead processes left behind. How many.
  std::uint64_t sweep();

 private:
  explicit FileStore(std::string directory) noexcept : directory_(std::move(directory)) {}
  std::optional<std::string> load(std::string_view key, const detail::LoadFunction& loader, const LoadOptions& options,
                                  detail::Nothing nothing);

  std::string directory_;  // absolute
};

}  // namespace v0
}  // namespace carafe
