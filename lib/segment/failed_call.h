// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "carafe/status.h"

namespace carafe {

/// What an Error says about a system call: "open failed: Too many open files (errno 24); raise ulimit -n".
[[nodiscard]] std::string failed_call(std::string_view call, int error);
/// The part from the semicolon on: what to do about that errno.
[[nodiscard]] std::string_view remedy_of(int error) noexcept;
/// The status that says it best: kNoPermission, kOutOfMemory, else kSystem.
[[nodiscard]] Status status_of_errno(int error) noexcept;

}  // namespace carafe
