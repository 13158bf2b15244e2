// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "byte_source.h"

namespace carafe::replay {

/// Whether these first bytes are those of a zstd frame.
[[nodiscard]] bool is_packed(std::string_view first_bytes) noexcept;

/// Whether this build has libzstd.
[[nodiscard]] bool can_unpack() noexcept;

/// What `packed` unpacks to; several frames after each other are one. In a build without libzstd it throws Failure with the remedy.
/// `name` is for messages.
[[nodiscard]] std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> packed, const std::string& name);

}  // namespace carafe::replay
