// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

#include "carafe/status.h"

namespace carafe::tool {

/// What the shell gets. Promised in carafe(1): scripts branch on these numbers.
enum ExitCode : int {
  kDone = 0,
  kFailure = 1,    ///< A system call failed.
  kUsage = 2,      ///< The command line, a name, a key or an option is wrong.
  kMissing = 3,    ///< No such segment, namespace or key.
  kForbidden = 4,  ///< The kernel refused access.
  kRefused = 5,    ///< The cache or this tool declined: busy, no room, not trusted, name taken, live workers.
  kDamaged = 6,    ///< Corrupt, cut short, or not a segment that this build can read.
};

/// The exit code for what the library said.
[[nodiscard]] inline ExitCode exit_code_of(Status status) noexcept {
  switch (status) {
    case Status::kOk:
      return kDone;
    case Status::kNotFound:
    case Status::kAbsent:
      return kMissing;
    case Status::kNoPermission:
    case Status::kCannotReopen:
      return kForbidden;
    case Status::kBadKey:
    case Status::kBadName:
    case Status::kBadOption:
    case Status::kBadTag:
      return kUsage;
    case Status::kCorrupt:
    case Status::kTruncated:
    case Status::kNotASegment:
    case Status::kWrongLayout:
    case Status::kWrongBuild:
      return kDamaged;
    case Status::kExists:
    case Status::kVersionChanged:
    case Status::kBusy:
    case Status::kTooLarge:
    case Status::kNoSpace:
    case Status::kReadOnly:
    case Status::kRetired:
    case Status::kNoWorkerSlot:
    case Status::kStale:
    case Status::kNoNamespace:
    case Status::kSegmentExists:
    case Status::kOutOfMemory:
    case Status::kOverCgroupLimit:
    case Status::kNotTrusted:
    case Status::kForeignNamespace:
      return kRefused;
    case Status::kNotANumber:
    case Status::kSystem:
      break;
  }
  return kFailure;
}

/// Ends a command with a message and a code. The message says the remedy, and has no "carafe: " in front: main adds it.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace carafe::tool
