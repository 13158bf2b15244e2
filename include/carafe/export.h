// SPDX-License-Identifier: MIT
#pragma once

/// Marks what the shared library exports; everything else is hidden.
#define CARAFE_EXPORT __attribute__((visibility("default")))
