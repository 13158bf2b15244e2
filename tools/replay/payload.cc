// SPDX-License-Identifier: MIT
#include "payload.h"

#include <algorithm>
#include <cstring>

namespace carafe::replay {

std::string_view Payload::uniform_key(std::uint64_t id) const noexcept {
  std::memcpy(key_, &id, sizeof key_);
  return {key_, sizeof key_};
}

std::string_view Payload::value_of(std::uint64_t id, std::uint64_t bytes) {
  if (value_.size() < bytes) value_.resize(bytes, 'v');
  std::memcpy(value_.data(), &id, std::min<std::size_t>(sizeof id, bytes));
  return std::string_view(value_).substr(0, bytes);
}

bool Payload::is_right(std::uint64_t id, std::string_view value) const noexcept {
  return std::memcmp(value.data(), &id, std::min(sizeof id, value.size())) == 0;
}

}  // namespace carafe::replay
