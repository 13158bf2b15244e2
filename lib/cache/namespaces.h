// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/engine.h"
#include "cache/namespace_id.h"
#include "carafe/stats.h"
#include "carafe/status.h"

namespace carafe {

/// The table of namespaces (layout/namespace_record.h). Found by the hash of name and release, as in a table with open addressing; records
/// are given away under a lock of their own, since that is seldom.
class Namespaces {
 public:
  Namespaces(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  [[nodiscard]] NamespaceId find(std::string_view name, std::string_view release) const noexcept;
  /// Finds it, or gives it a record. kNoSpace: all are taken; kBusy.
  [[nodiscard]] Status find_or_make(std::string_view name, std::string_view release, NamespaceId& id) const noexcept;
  /// 0: none.
  void set_quota(NamespaceId id, std::uint64_t bytes) const noexcept;
  /// Invalidates what is in it, and gives its record free. False when it is another one's by now.
  bool drop(NamespaceId id) const noexcept;
  [[nodiscard]] bool is_still(NamespaceId id) const noexcept {
    return NamespaceWord::incarnation(engine_.view.namespace_record(id.number - 1).word.load(kAcquire)) == id.incarnation;
  }

  /// A lane for our counts in it; nullptr: there is none left, so count in the record.
  [[nodiscard]] NamespaceLane* take_lane(NamespaceId id) const noexcept;

  [[nodiscard]] std::vector<NamespaceStats> list() const;
  /// False when it is another one's by now.
  [[nodiscard]] bool read(NamespaceId id, NamespaceStats& stats) const;
  /// Drops all that have a release, but this one. How many went.
  [[nodiscard]] std::uint64_t drop_releases_but(std::string_view kept) const noexcept;

 private:
  static constexpr std::uint64_t space_of(NamespaceId id) noexcept { return (std::uint64_t{id.incarnation} << 16) | id.number; }
  [[nodiscard]] NamespaceId id_of(std::uint32_t number) const noexcept;
  [[nodiscard]] bool is_named(const NamespaceRecord& record, std::uint64_t hash, std::string_view name,
                              std::string_view release) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(std::string_view name, std::string_view release) const noexcept;
  [[nodiscard]] NamespaceLane* reclaim_lane(std::uint64_t space) const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe
