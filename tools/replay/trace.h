// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "key_table.h"

namespace carafe::replay {

enum class Op : std::uint8_t { kGet, kSet, kDelete };

inline constexpr std::uint32_t kNoTtl = std::numeric_limits<std::uint32_t>::max();

/// One line of a log: a get (which sets the key on a miss), a set or a delete.
struct Request {
  KeyId key = 0;
  std::uint32_t size = 0;  ///< Bytes of the value.
  std::uint32_t ttl_ms = kNoTtl;
  Op op = Op::kGet;
  std::uint64_t t_ms = 0;  ///< When it arrived, from whatever beginning.
};

/// Which columns a trace has besides its keys.
struct Columns {
  bool sizes = false;
  bool ttls = false;
  bool ops = false;
  bool times = false;
};

/// A whole log in memory: four bytes a request, and as much again for each of size, time to live and time that it has.
class Trace {
 public:
  explicit Trace(Columns columns = {}) : columns_(columns) {}

  void add(const Request& request);
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] Request operator[](std::size_t i) const noexcept {
    Request request;
    request.key = ids_[i];
    if (columns_.sizes) request.size = sizes_[i];
    if (columns_.ttls) request.ttl_ms = ttls_[i];
    if (columns_.ops) request.op = ops_[i];
    if (columns_.times) request.t_ms = times_[i];
    return request;
  }
  [[nodiscard]] const Columns& columns() const noexcept { return columns_; }

  /// Takes every request for a get of something that never expires.
  void forget_all_but_gets() noexcept { columns_.ops = columns_.ttls = columns_.times = false; }

  /// The keys by their numbers, 0 to objects - 1 in the order of their first appearance.
  KeyTable keys;
  std::string name;    ///< For people: the file's name.
  std::string format;  ///< csv, keys or oracle.

 private:
  Columns columns_;
  std::vector<KeyId> ids_;
  std::vector<std::uint32_t> sizes_;
  std::vector<std::uint32_t> ttls_;
  std::vector<Op> ops_;
  std::vector<std::uint64_t> times_;
};

/// What can be said of a trace by looking at it once.
struct TraceFacts {
  std::uint64_t requests = 0;
  std::uint64_t gets = 0;
  std::uint64_t objects = 0;
  std::uint64_t unique_bytes = 0;  ///< Sum of the values' sizes, each key's largest.
  std::uint64_t one_hit_objects = 0;
};
[[nodiscard]] TraceFacts facts_of(const Trace& trace);

}  // namespace carafe::replay
