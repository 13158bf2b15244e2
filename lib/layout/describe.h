// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace carafe {

/// The segment's layout as text: every shared struct with its fields, offsets and sizes. Compared with a golden file, so that
/// a change of the layout is a visible diff.
[[nodiscard]] std::string describe_layout();

}  // namespace carafe
