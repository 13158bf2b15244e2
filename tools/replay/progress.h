// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace carafe::replay {

/// One line on standard error that says what is being done and how far it is, and is gone when this goes. Writes nothing unless that is a
/// terminal, and ten times a second at most.
class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `whole` is 0 when it is not known.
  void show(const std::string& what, std::uint64_t done, std::uint64_t whole);
  /// Takes the line away, so that something else can be written.
  void hide();

 private:
  bool wanted_;
  bool shown_ = false;
  std::string what_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace carafe::replay
