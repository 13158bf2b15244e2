// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace carafe::test {

/// Starts this program again, once, with an environment in which instructions are few and the same each time: the dynamic linker binds
/// at once, and memcpy does not turn into `rep movsb`, which traps once a byte.
inline const bool relaunched = [] {
  constexpr const char* kDone = "CARAFE_CRASH_RELAUNCHED";
  if (std::getenv(kDone) != nullptr) return true;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < line.size(); at += arguments.back().size() + 1) arguments.emplace_back(line.c_str() + at);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::setenv(kDone, "1", 1);
  ::setenv("LD_BIND_NOW", "1", 1);
  ::setenv("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000", 1);
  ::execv("/proc/self/exe", pointers.data());
  return false;  // as it is, then
}();

}  // namespace carafe::test
