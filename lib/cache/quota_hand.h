// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "cache/evictor.h"

namespace carafe {

/// Makes room within a namespace's quota: goes round the index and takes, by CLOCK, what belongs to that namespace, so that it pays for
/// itself and nobody else does. Looks at kMostLooks items a set, so a quota below that share of all items holds only about.
class QuotaHand {
 public:
  QuotaHand(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me), evictor_(engine, me) {}

  /// Before a value of about `bytes` is stored in namespace `number`. Without a quota it is one load.
  void make_room(std::uint32_t number, std::uint64_t bytes) const noexcept {
    const NamespaceRecord& record = engine_.view.namespace_record(number - 1);
    if (const std::uint64_t quota = record.quota_bytes.load(kRelaxed); quota != 0) [[unlikely]]
      make_room_below(number, quota > bytes ? quota - bytes : 0);
  }

 private:
  static constexpr std::uint32_t kMostLooks = 512;

  void make_room_below(std::uint32_t number, std::uint64_t most_bytes) const noexcept;
  [[nodiscard]] bool take(std::uint64_t entry, std::uint32_t number, EvictWhen when) const noexcept;

  const Engine& engine_;
  const Worker& me_;
  const Evictor evictor_;
};

}  // namespace carafe
