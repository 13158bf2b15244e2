// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "carafe/export.h"
#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/status.h"
#include "carafe/store.h"

namespace carafe {
inline namespace v0 {

/// A Store in the memory of this process: for tests, for programs of one process, and where there is no /dev/shm. Evicts what was used
/// least recently.
///
/// Who may call:  any thread, several at once. Not a child that was forked while another thread was calling.
/// Errors:        std::bad_alloc apart, none but the Status. set: kBadKey, or kTooLarge (the key now holds nothing).
/// Cost:          one mutex for everything, about a microsecond; some 128 bytes an item beside key and value.
class CARAFE_EXPORT MemoryStore {
 public:
  /// `capacity_bytes`: of keys, values and what it takes to keep them; 4 KiB or more, else Error kBadOption. A value may take a quarter.
  explicit MemoryStore(std::size_t capacity_bytes = std::size_t{64} << 20);
  MemoryStore(MemoryStore&&) noexcept;
  MemoryStore& operator=(MemoryStore&&) noexcept;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;
  ~MemoryStore();

  [[nodiscard]] std::optional<std::string> get(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key);
  [[nodiscard]] Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever);
  [[nodiscard]] Status set(std::string_view key, std::string_view value, const SetOptions& options) { return set(key, value, options.ttl); }
  [[nodiscard]] Status erase(std::string_view key);
  /// Looks at every key.
  std::uint64_t erase_prefix(std::string_view prefix);
  void clear();
  /// As Cache::get_or_load, among the threads of this process.
  template <typename Loader>
  [[nodiscard]] detail::LoadResult<Loader> get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) {
    return detail::load_by(loader,
                           [&](const detail::LoadFunction& run, detail::Nothing nothing) { return load(key, run, options, nothing); });
  }

 private:
  struct State;
  std::optional<std::string> load(std::string_view key, const detail::LoadFunction& loader, const LoadOptions& options,
                                  detail::Nothing nothing);

  std::unique_ptr<State> state_;
};

}  // namespace v0
}  // namespace carafe
