// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "carafe/cache.h"

/// The segments of this host: which there are, and opening one of them as a verb should.
namespace carafe::tool {

/// A file /dev/shm/carafe.NAME, whatever is in it. Never followed when it is a link.
struct SegmentFile {
  std::string name;
  struct stat status {};
};

/// All of them, by name. Throws Failure when the directory cannot be read.
[[nodiscard]] std::vector<SegmentFile> find_segments();

/// Device and inode of the file that has the name now; zeros when there is none. To notice that a segment was replaced.
[[nodiscard]] std::pair<dev_t, ino_t> file_identity(const std::string& name) noexcept;

/// What the user typed, without a "/dev/shm/carafe." that completion of file names may have put in front.
[[nodiscard]] std::string segment_name(std::string_view typed);

/// Read-only, for verbs that look: no worker slot, no byte changed, no hit counted. Throws Error, or Failure (3) with near names.
[[nodiscard]] Cache open_to_look(const std::string& name);

/// Whose segment a writing verb accepts, besides our own and root's.
enum class Trust {
  kWhoever,     // del, clear, rm: they only take away, so the kernel's permissions are enough, whatever owner and mode
  kNamedOwner,  // set: it hands over data, so a stranger who took the name first must not get them
};
/// As a worker, like any other. `trusted_user` is a name or a decimal uid, or empty.
[[nodiscard]] Cache open_to_write(const std::string& name, Trust trust, const std::string& trusted_user = {});
/// The options that accept the segment `name`, if it is there, under `trust`.
[[nodiscard]] Options options_for(const std::string& name, Trust trust, const std::string& trusted_user = {});

/// Whether any process holds a worker's byte lock on the file: works for damaged and foreign segments too, where nothing can be
/// counted. False when that cannot be found out.
[[nodiscard]] bool has_attached_workers(const std::string& name) noexcept;

/// Throws Failure (3): there is no such segment; names those that are nearly called so.
[[noreturn]] void fail_absent(const std::string& name);

/// "live", "idle" (nobody has it open) or "retired".
[[nodiscard]] std::string state_of(const Stats& stats);
[[nodiscard]] std::string user_name(std::uint32_t uid);
[[nodiscard]] std::string group_name(std::uint32_t gid);
/// 0660
[[nodiscard]] std::string mode_text(std::uint32_t mode);

}  // namespace carafe::tool
