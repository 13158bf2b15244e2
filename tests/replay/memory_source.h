// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "replay/byte_source.h"

namespace carafe::test {

/// Bytes of a test's own, handed out a few at a time, so that lines and records are cut in odd places.
class MemorySource : public replay::ByteSource {
 public:
  explicit MemorySource(std::string bytes, std::size_t most = 7) : bytes_(std::move(bytes)), most_(most) {}

  std::size_t read(std::span<char> into) override {
    const std::size_t count = std::min({into.size(), most_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, count, into.data());
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t most_;
  std::size_t at_ = 0;
};

}  // namespace carafe::test
