// SPDX-License-Identifier: MIT
#include "index/table.h"

#include "base/step.h"

namespace carafe {
namespace {

std::uint32_t used(const Bucket& bucket) noexcept {
  std::uint32_t count = 0;
  for (const auto& entry : bucket.entries) count += entry.load(kRelaxed) != Entry::kEmpty ? 1 : 0;
  return count;
}

Atomic<std::uint64_t>* empty_in(Bucket& bucket) noexcept {
  for (auto& entry : bucket.entries)
    if (entry.load(kRelaxed) == Entry::kEmpty) return &entry;
  return nullptr;
}

}  // namespace

Atomic<std::uint64_t>* Table::find_empty(std::uint32_t tag) const noexcept {
  if (count == 0) return nullptr;
  Bucket& one = first(tag);
  if (count == 1) return empty_in(one);
  // Home first, as long as that costs no balance: a hit in the first bucket touches one line less.
  const std::uint32_t in_one = used(one);
  if (in_one <= 4) return empty_in(one);
  Bucket& other = second(tag);
  const std::uint32_t in_other = used(other);
  return in_one <= in_other ? empty_in(one) : empty_in(other);
}

Atomic<std::uint64_t>* Table::displace(std::uint32_t tag, Atomic<std::uint32_t>* moves) const noexcept {
  if (count < 2) return nullptr;
  for (Bucket* bucket : {&first(tag), &second(tag)})
    for (auto& entry : bucket->entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      Bucket& other = other_bucket(*bucket, Entry::tag(word));
      auto* place = &other == bucket ? nullptr : empty_in(other);
      if (place == nullptr) continue;
      place->store(word, kRelease);
      CARAFE_STEP("displace: copied");
      raise_version(place);
      CARAFE_STEP("displace: copy's version raised");
      if (moves != nullptr) moves->store(moves->load(kRelaxed) + 1, kRelease);
      entry.store(Entry::kEmpty, kRelease);
      CARAFE_STEP("displace: old one cleared");
      raise_version(&entry);
      return &entry;
    }
  return nullptr;
}

void Table::remove_twins() const noexcept {
  if (count < 2) return;
  for (std::uint32_t i = 0; i < count; ++i)
    for (auto& entry : buckets[i].entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      if (word == Entry::kEmpty || &first(Entry::tag(word)) != &buckets[i]) continue;
      for (auto& twin : second(Entry::tag(word)).entries)
        if (Entry::same_item(twin.load(kRelaxed), word)) {
          twin.store(Entry::kEmpty, kRelease);
          raise_version(&twin);
        }
    }
}

Atomic<std::uint64_t>* Table::find_coldest(std::uint32_t tag) const noexcept {
  if (count == 0) return nullptr;
  Atomic<std::uint64_t>* coldest = nullptr;
  std::uint32_t least = 4;
  for (Bucket* bucket : {&first(tag), &second(tag)})
    for (auto& entry : bucket->entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      if (word != Entry::kEmpty && Entry::counter(word) < least) {
        least = Entry::counter(word);
        coldest = &entry;
      }
    }
  return coldest;
}

void Table::raise_versions(std::uint32_t tag) const noexcept {
  if (count == 0) return;
  raise_version(&first(tag).entries[0]);
  if (count > 1) raise_version(&second(tag).entries[0]);
}

void Table::clear_private() const noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    buckets[i].version.store(0, kRelaxed);
    for (auto& entry : buckets[i].entries) entry.store(Entry::kEmpty, kRelaxed);
  }
}

std::uint32_t Table::copy_private(const Table& from) const noexcept {
  std::uint32_t lost = 0;
  for (std::uint32_t i = 0; i < from.count; ++i)
    for (const auto& entry : from.buckets[i].entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      if (word == Entry::kEmpty) continue;
      auto* place = find_empty(Entry::tag(word));
      if (place == nullptr) place = displace(Entry::tag(word));
      if (place != nullptr) {
        place->store(word, kRelaxed);
      } else {
        ++lost;
      }
    }
  return lost;
}

std::uint32_t Table::count_entries() const noexcept {
  std::uint32_t entries = 0;
  for (std::uint32_t i = 0; i < count; ++i) entries += used(buckets[i]);
  return entries;
}

}  // namespace carafe
