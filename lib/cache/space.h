// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "cache/namespaces.h"

namespace carafe {

/// Where an operation takes place: which namespace, and where its counts go.
struct Scope {
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};  // a namespace that cannot be had

  std::uint32_t number = 0;       // 0: the keys of no namespace
  std::uint32_t incarnation = 0;  // nowhere: the Status that says why
  NamespaceLane* lane = nullptr;
  NamespaceRecord* record = nullptr;

  [[nodiscard]] static Scope nowhere(Status why) noexcept { return {kNowhere, static_cast<std::uint32_t>(why)}; }
  [[nodiscard]] bool is_nowhere() const noexcept { return number == kNowhere; }
  [[nodiscard]] Status why() const noexcept { return static_cast<Status>(incarnation); }
  [[nodiscard]] NamespaceId id() const noexcept { return {number, incarnation}; }
  void count_hit() const noexcept { count(&NamespaceLane::hits, &NamespaceRecord::hits); }
  void count_miss() const noexcept { count(&NamespaceLane::misses, &NamespaceRecord::misses); }
  void count_set() const noexcept { count(&NamespaceLane::sets, &NamespaceRecord::sets); }

 private:
  void count(Atomic<std::uint64_t> NamespaceLane::*ours, Atomic<std::uint64_t> NamespaceRecord::*everybodys) const noexcept {
    if (lane != nullptr) {
      count_up(lane->*ours);
    } else if (record != nullptr) {
      (record->*everybodys).fetch_add(1, kRelaxed);
    }
  }
};

inline namespace v0 {
namespace detail {

/// What to do where the namespace has no record.
enum class Absent : std::uint8_t { kMake, kLeave };

/// What a Namespace holds: its name, and which record that has in the segment in use. Looked up anew when the record was given to another
/// one, or the handle has moved on to another segment.
class Space {
 public:
  Space(std::string name, std::string release, std::uint64_t quota_bytes)
      : name_(std::move(name)), release_(std::move(release)), quota_bytes_(quota_bytes) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& release() const noexcept { return release_; }

  /// Nowhere, if there is none: whoever only reads does not bring back what was dropped.
  [[nodiscard]] Scope enter(const Engine& engine, const Worker& me, Absent absent) noexcept {
    const std::uint64_t seen = resolved_.load(kAcquire);
    const auto number = static_cast<std::uint32_t>(seen & 0xffff);
    if (seen >> 40 != engine.serial || number == 0) [[unlikely]]
      return enter_anew(engine, me, absent);
    NamespaceRecord& record = engine.view.namespace_record(number - 1);
    const auto incarnation = static_cast<std::uint32_t>(seen >> 16) & NamespaceWord::kIncarnationMask;
    if (NamespaceWord::incarnation(record.word.load(kAcquire)) != incarnation) [[unlikely]]
      return enter_anew(engine, me, absent);
    NamespaceLane* lane = lane_.load(kRelaxed);
    if (lane != nullptr && lane->owner.load(kRelaxed) != me.word) [[unlikely]]
      return enter_anew(engine, me, absent);  // forked since
    return {number, incarnation, lane, me.word != 0 ? &record : nullptr};
  }
  /// The same, and says why where there is none.
  [[nodiscard]] Status resolve(const Engine& engine, const Worker& me, Absent absent, Scope& scope) noexcept;

 private:
  Scope enter_anew(const Engine& engine, const Worker& me, Absent absent) noexcept;

  const std::string name_;
  const std::string release_;
  const std::uint64_t quota_bytes_;
  Atomic<std::uint64_t> resolved_{0};  // serial of the engine 24, incarnation 24, number 16
  Atomic<NamespaceLane*> lane_{nullptr};
};

}  // namespace detail
}  // namespace v0
}  // namespace carafe
