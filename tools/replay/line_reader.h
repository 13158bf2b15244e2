// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "byte_source.h"

namespace carafe::replay {

/// The lines of a source, numbered from 1, without their line ends (\n or \r\n). The last one may lack its end.
class LineReader {
 public:
  explicit LineReader(ByteSource& source) : source_(source) {}

  /// The next line into `line`, which stays valid until the next call; false at the end.
  bool next(std::string_view& line);
  /// Number of the line that next gave last.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  ByteSource& source_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace carafe::replay
