// SPDX-License-Identifier: MIT
#pragma once

/// CARAFE_STEP("name") marks a point between two stores that a crash may separate. Nothing in the product; in builds with
/// CARAFE_STEPS a test's hook is called there, and kills the process at the n-th one.
#ifdef CARAFE_STEPS
namespace carafe {
using StepHook = void (*)(const char* name);
inline StepHook step_hook = nullptr;
}  // namespace carafe
#define CARAFE_STEP(name)                                          \
  do {                                                             \
    if (::carafe::step_hook != nullptr) ::carafe::step_hook(name); \
  } while (false)
#else
#define CARAFE_STEP(name) static_cast<void>(0)
#endif
