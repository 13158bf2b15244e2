// SPDX-License-Identifier: MIT
#include "bus_guard.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "exit_code.h"

namespace carafe::tool {
namespace {

char message[400];  // composed beforehand: a handler may call write and _exit, and little else
volatile std::size_t message_bytes = 0;

extern "C" void on_bus_error(int) {
  if (::write(STDERR_FILENO, message, message_bytes) < 0) ::_exit(kFailure);
  ::_exit(kDamaged);
}

void append(std::string_view text) noexcept {
  const std::size_t fits = std::min(text.size(), sizeof message - message_bytes);
  std::copy_n(text.data(), fits, message + message_bytes);
  message_bytes = message_bytes + fits;
}

}  // namespace

void guard_against_truncation(std::string_view name) noexcept {
  message_bytes = 0;
  append("carafe: segment \"");
  append(name);
  append("\" was truncated while looking; remove it (carafe rm) and let the workers make a new one\n");
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace carafe::tool
