// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace carafe {

/// Whether the whole of `text` matches `pattern`: * any bytes, ? one byte, [a-z] one of a set, [!a-z] one not of it, \ takes the
/// next byte literally. Works on bytes, NUL and / included (fnmatch would stop at both). Time: at most |text| * |pattern|.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text) noexcept;

}  // namespace carafe
