// SPDX-License-Identifier: MIT
#include "support/values.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace carafe::test {
namespace {

constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15ULL;

std::uint64_t start_of(std::string_view key, std::uint64_t sequence, std::uint64_t secret) noexcept {
  return hash_key(key, secret ^ (sequence * kStep + 0x5bd1e995));
}

/// Fills with the words start, start + kStep, ...: fast, and different everywhere.
void fill(char* to, std::size_t bytes, std::uint64_t start) noexcept {
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8, start += kStep) std::memcpy(to + at, &start, 8);
  if (at < bytes) std::memcpy(to + at, &start, bytes - at);
}

std::uint64_t checksum(std::string_view key, std::string_view value, std::uint64_t secret) noexcept {
  const std::uint64_t head = hash_key(value.substr(0, 16), hash_key(key, ~secret));
  return hash_key(value.substr(kCertifiedBytes), head);
}

}  // namespace

void make_value(std::string& value, std::string_view key, std::uint64_t sequence, std::size_t bytes, std::uint64_t secret) {
  value.resize(bytes);
  const std::uint64_t start = start_of(key, sequence, secret);
  if (bytes < kCertifiedBytes) {
    fill(value.data(), bytes, start);
    return;
  }
  const std::uint64_t length = bytes;
  std::memcpy(value.data(), &length, 8);
  std::memcpy(value.data() + 8, &sequence, 8);
  fill(value.data() + kCertifiedBytes, bytes - kCertifiedBytes, start);
  const std::uint64_t sum = checksum(key, value, secret);
  std::memcpy(value.data() + 16, &sum, 8);
}

std::string value_for(std::string_view key, std::uint64_t sequence, std::size_t bytes, std::uint64_t secret) {
  std::string value;
  make_value(value, key, sequence, bytes, secret);
  return value;
}

std::optional<std::uint64_t> sequence_of(std::string_view key, std::string_view value, std::uint64_t secret) {
  if (value.size() < kCertifiedBytes) return std::nullopt;
  std::uint64_t length = 0;
  std::uint64_t sequence = 0;
  std::uint64_t sum = 0;
  std::memcpy(&length, value.data(), 8);
  std::memcpy(&sequence, value.data() + 8, 8);
  std::memcpy(&sum, value.data() + 16, 8);
  if (length != value.size() || sum != checksum(key, value, secret)) return std::nullopt;
  return sequence;
}

std::string numbered_key(std::string_view prefix, std::uint64_t number, std::size_t bytes) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  std::string key(prefix);
  key += '-';
  if (key.size() + digits.size() < bytes) key.append(bytes - key.size() - digits.size(), 'k');
  return key + digits;
}

}  // namespace carafe::test
