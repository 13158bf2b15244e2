// SPDX-License-Identifier: MIT
#include "model/weak/checked_atomic.h"

#include <algorithm>
#include <vector>

#include "model/weak/machine.h"

namespace carafe::weak {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t apply(Change what, std::uint64_t value, std::uint64_t operand) noexcept {
  switch (what) {
    case Change::kExchange:
      return operand;
    case Change::kAdd:
      return value + operand;
    case Change::kAnd:
      return value & operand;
    case Change::kOr:
      return value | operand;
  }
  return value;
}

/// Of a sum only what the location holds.
std::uint64_t cut(std::uint64_t value, unsigned bytes) noexcept {
  return bytes == kWord ? value : value & ((std::uint64_t{1} << (bytes * 8)) - 1);
}

void poke(void* at, unsigned bytes, std::uint64_t value) noexcept { std::memcpy(at, &value, bytes); }

/// visit(aligned word, first byte of it, number of bytes, where they are in the run)
template <typename Visit>
void for_each_word(const std::byte* from, std::size_t bytes, Visit&& visit) {
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t within = reinterpret_cast<std::uintptr_t>(from + at) % kWord;
    const std::size_t here = std::min(kWord - within, bytes - at);
    visit(from + at - within, within, here, at);
    at += here;
  }
}

}  // namespace

std::uint64_t load(const void* at, unsigned bytes, std::memory_order order, const Site& site) noexcept {
  Machine* machine = Machine::running();
  return machine == nullptr ? peek(at, bytes) : machine->load(at, bytes, order, site);
}

void store(void* at, unsigned bytes, std::uint64_t value, std::memory_order order, const Site& site) noexcept {
  if (Machine* machine = Machine::running())
    machine->store(at, bytes, value, order, site);
  else
    poke(at, bytes, value);
}

std::uint64_t change(void* at, unsigned bytes, Change what, std::uint64_t operand, std::memory_order order, const Site& site) noexcept {
  const auto decide = [&](std::uint64_t value) { return Memory::Decision{true, cut(apply(what, value, operand), bytes)}; };
  if (Machine* machine = Machine::running()) return machine->change(at, bytes, order, order, decide, site);
  const std::uint64_t seen = peek(at, bytes);
  poke(at, bytes, decide(seen).value);
  return seen;
}

bool compare_exchange(void* at, unsigned bytes, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                      std::memory_order failure, const Site& site) noexcept {
  const auto decide = [wanted = expected, desired](std::uint64_t value) { return Memory::Decision{value == wanted, desired}; };
  Machine* machine = Machine::running();
  const std::uint64_t seen = machine != nullptr ? machine->change(at, bytes, success, failure, decide, site) : peek(at, bytes);
  if (machine == nullptr && seen == expected) poke(at, bytes, desired);
  const bool done = seen == expected;
  expected = seen;
  return done;
}

void fence(std::memory_order order, const Site& site) noexcept {
  if (Machine* machine = Machine::running()) machine->fence(order, site);
}

void pause() noexcept {
  if (Machine* machine = Machine::running()) machine->pause();
}

void copy_out(void* to, const std::byte* from, std::size_t bytes, const Site& site) noexcept {
  for_each_word(from, bytes, [&](const std::byte* word, std::size_t within, std::size_t here, std::size_t at) {
    const std::uint64_t value = load(word, kWord, std::memory_order_relaxed, site);
    std::memcpy(static_cast<std::byte*>(to) + at, reinterpret_cast<const std::byte*>(&value) + within, here);
  });
}

void copy_in(std::byte* to, const void* from, std::size_t bytes, const Site& site) noexcept {
  const auto* source = static_cast<const std::byte*>(from);
  std::vector<std::byte> own(bytes);
  const Machine* machine = Machine::running();
  if (machine != nullptr && machine->is_shared(source))  // touch copies from item to item
    copy_out(own.data(), source, bytes, site);
  else
    std::memcpy(own.data(), source, bytes);
  for_each_word(to, bytes, [&](const std::byte* word, std::size_t within, std::size_t here, std::size_t at) {
    std::uint64_t value = here == kWord ? 0 : load(word, kWord, std::memory_order_relaxed, site);
    std::memcpy(reinterpret_cast<std::byte*>(&value) + within, own.data() + at, here);
    store(const_cast<std::byte*>(word), kWord, value, std::memory_order_relaxed, site);
  });
}

bool equal(const std::byte* shared, const void* own, std::size_t bytes, const Site& site) noexcept {
  std::vector<std::byte> copy(bytes);
  copy_out(copy.data(), shared, bytes, site);
  return std::memcmp(copy.data(), own, bytes) == 0;
}

}  // namespace carafe::weak
