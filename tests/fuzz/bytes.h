// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

namespace carafe::fuzz {

/// A fuzzer's input, taken from the front; zeros when it is used up, so that every input means something.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) noexcept : data_(data), left_(size) {}

  [[nodiscard]] bool empty() const noexcept { return left_ == 0; }
  [[nodiscard]] std::uint8_t byte() noexcept { return number<std::uint8_t>(); }
  template <typename T>
  [[nodiscard]] T number() noexcept {
    T value = 0;
    const std::size_t taken = left_ < sizeof value ? left_ : sizeof value;
    if (taken != 0) std::memcpy(&value, data_, taken);
    skip(taken);
    return value;
  }
  /// 0 to bound - 1, by as many bytes as the bound needs.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    if (bound <= 0x100) return byte() % bound;
    return bound <= 0x10000 ? number<std::uint16_t>() % bound : number<std::uint32_t>() % bound;
  }
  template <typename Array>
  [[nodiscard]] const auto& pick(const Array& array) noexcept {
    return array[below(std::size(array))];
  }
  [[nodiscard]] std::string_view text(std::size_t bytes) noexcept {
    const std::size_t taken = left_ < bytes ? left_ : bytes;
    const std::string_view all(reinterpret_cast<const char*>(data_), taken);
    skip(taken);
    return all;
  }
  [[nodiscard]] std::string_view rest() noexcept { return text(left_); }

 private:
  void skip(std::size_t bytes) noexcept {
    data_ += bytes;
    left_ -= bytes;
  }

  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace carafe::fuzz
