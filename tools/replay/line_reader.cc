// SPDX-License-Identifier: MIT
#include "line_reader.h"

namespace carafe::replay {
namespace {

constexpr std::size_t kBlock = 256 << 10;

}  // namespace

bool LineReader::next(std::string_view& line) {
  std::size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos && !ended_) {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kBlock);
    const std::size_t got = source_.read({buffer_.data() + had, kBlock});
    buffer_.resize(had + got);
    ended_ = got == 0;
    end = buffer_.find('\n', had);
  }
  if (end == std::string::npos) {
    if (at_ == buffer_.size()) return false;
    end = buffer_.size();
  }
  line = std::string_view(buffer_).substr(at_, end - at_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  at_ = end < buffer_.size() ? end + 1 : end;
  ++number_;
  return true;
}

}  // namespace carafe::replay
