// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "support/settings.h"
#include "support/tally.h"
#include "support/workload.h"

/// The measured loops, shared by the programs: the same for every store.
namespace carafe::bench {

/// Sequences by name, made on first use: a Zipf of a million keys takes half a second.
template <typename Make>
const Sequence& sequence(const std::string& name, Make&& make) {
  static std::map<std::string, Sequence> made;
  const auto found = made.find(name);
  return found != made.end() ? found->second : made.emplace(name, make()).first->second;
}

/// How keys are drawn. `write_share` is of all accesses.
inline const Sequence& sequence_of(const std::string& skew, std::uint32_t items, double write_share = 0) {
  const std::string name = skew + "/" + std::to_string(items) + "/" + std::to_string(write_share);
  return sequence(name, [&] {
    if (skew == "zipf:0.99") return Sequence::zipf(items, kZipfExponent, write_share);
    if (skew == "one_key") return Sequence::one_key(items / 2, write_share);
    if (skew == "absent") return Sequence::uniform(items, 0, items);
    if (skew == "permutation") return Sequence::permutation(items);
    return Sequence::uniform(items, write_share);
  });
}

/// One access: a set where the sequence says so, else a get whose value is checked.
template <typename Store>
inline void access_once(Store& store, AccessStream& stream, std::string& value, std::size_t value_bytes, Tally& tally) {
  const Access& access = stream.next();
  if (access.write) {
    ++tally.sets;
    if (!store.set(access.key(), stream.value_of(access))) ++tally.refused;
    return;
  }
  ++tally.gets;
  if (!store.get(access.key(), value)) return;
  ++tally.hits;
  if (!value_matches(access.check, value_bytes, value)) ++tally.wrong;
}

/// Gets every key `times` times: brings pages and tables into this process, and lets a CLOCK's counters settle as they do in a cache that
/// has run for a while.
template <typename Store>
void warm_up(Store& store, std::uint32_t items, std::size_t value_bytes, int times) {
  ItemMaker maker(value_bytes);
  std::string value;
  for (int i = 0; i < times; ++i) {
    for (std::uint32_t index = 0; index < items; ++index) store.get(maker.key(index), value);
  }
}

}  // namespace carafe::bench
