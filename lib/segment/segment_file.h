// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "carafe/options.h"
#include "segment/mapping.h"
#include "segment/view.h"

namespace carafe {

/// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

/// A segment that this process has open: file, mapping and checked geometry. All of these functions throw Error.
struct Segment {
  Segment() = default;
  Segment(Segment&&) noexcept = default;
  Segment& operator=(Segment&&) noexcept = default;
  ~Segment();  // closes the descriptor only if it still is ours: closefrom(3) may have closed it, and given its number away

  std::string name;  // empty: anonymous
  Fd fd;             // kept for probing byte locks; whoever uses it checks device and inode first
  Mapping mapping;
  View view;
  dev_t device = 0;
  ino_t inode = 0;
  bool read_only = false;
  std::string interleave_refused;  // why, where it was asked for

  /// For messages: segment "name", or an anonymous segment.
  [[nodiscard]] std::string title() const { return name.empty() ? "an anonymous segment" : "segment \"" + name + "\""; }
};

/// Makes a segment and publishes it whole (O_TMPFILE, then one linkat): no half-made one is ever seen, and a creator that dies
/// leaves nothing. kSegmentExists when the name is taken.
[[nodiscard]] Segment create_segment(std::string_view name, const Options& options);
/// Makes one in a sealed memfd.
[[nodiscard]] Segment create_anonymous_segment(const Options& options);
/// Opens and checks an existing one.
[[nodiscard]] Segment open_segment(std::string_view name, const Options& options, bool read_only);
/// Retires and unlinks. False when absent.
bool remove_segment(std::string_view name, const Options& options);
/// Takes back a segment that this process has just made, if the name still is that file: it could not be used after all.
void unpublish_segment(std::string_view name, const Options& options, dev_t device, ino_t inode) noexcept;

/// Whether `fd` still is the file that `segment` mapped: descriptors get closed and reused behind our back.
[[nodiscard]] bool is_same_file(int fd, const Segment& segment) noexcept;

/// Throws kOverCgroupLimit when this process's memory cgroup has less than `bytes` left: the kernel would answer the reservation
/// with SIGKILL, not with an error.
void check_cgroup_limit(std::uint64_t bytes, const std::string& what);

/// Throws kBadOption for a field out of its range; `what` says for what they are.
void check_options(const Options& options, const std::string& what);
/// The one that matters to openers too.
void check_lock_wait(const Options& options, const std::string& what);

}  // namespace carafe
