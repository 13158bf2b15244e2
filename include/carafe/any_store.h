// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/status.h"
#include "carafe/store.h"

namespace carafe {
inline namespace v0 {

/// Whichever Store the settings say, behind one type:
///
///   carafe::AnyStore cache = settings.shared ? carafe::AnyStore(carafe::Cache::open_or_create("shop"))
///                                            : carafe::AnyStore(carafe::MemoryStore());
///
/// Owns it. A virtual call and an std::function dearer than the store itself. Errors, threads and forks: as the store says.
class AnyStore {
 public:
  template <Store S>
  requires(!std::is_same_v<S, AnyStore>) explicit AnyStore(S store) : held_(std::make_unique<Held<S>>(std::move(store))) {}

  [[nodiscard]] std::optional<std::string> get(std::string_view key) { return held_->get(key); }
  [[nodiscard]] bool contains(std::string_view key) { return held_->contains(key); }
  [[nodiscard]] Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) {
    return held_->set(key, value, SetOptions{.ttl = ttl});
  }
  [[nodiscard]] Status set(std::string_view key, std::string_view value, const SetOptions& options) {
    return held_->set(key, value, options);
  }
  [[nodiscard]] Status erase(std::string_view key) { return held_->erase(key); }
  std::uint64_t erase_prefix(std::string_view prefix) { return held_->erase_prefix(prefix); }
  void clear() { held_->clear(); }
  template <typename Loader>
  [[nodiscard]] detail::LoadResult<Loader> get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) {
    if constexpr (std::is_same_v<detail::LoadResult<Loader>, std::string>)
      return held_->load(
          key, [&loader] { return std::string(loader()); }, options);
    else
      return held_->load_optional(
          key, [&loader] { return std::optional<std::string>(loader()); }, options);
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::optional<std::string> get(std::string_view key) = 0;
    virtual bool contains(std::string_view key) = 0;
    virtual Status set(std::string_view key, std::string_view value, const SetOptions& options) = 0;
    virtual Status erase(std::string_view key) = 0;
    virtual std::uint64_t erase_prefix(std::string_view prefix) = 0;
    virtual void clear() = 0;
    virtual std::string load(std::string_view key, const std::function<std::string()>& loader, const LoadOptions& options) = 0;
    virtual std::optional<std::string> load_optional(std::string_view key, const detail::LoadFunction& loader,
                                                     const LoadOptions& options) = 0;
  };

  template <typename S>
  struct Held final : Base {
    explicit Held(S own) : store(std::move(own)) {}
    std::optional<std::string> get(std::string_view key) override { return store.get(key); }
    bool contains(std::string_view key) override { return store.contains(key); }
    Status set(std::string_view key, std::string_view value, const SetOptions& options) override { return store.set(key, value, options); }
    Status erase(std::string_view key) override { return store.erase(key); }
    std::uint64_t erase_prefix(std::string_view prefix) override { return store.erase_prefix(prefix); }
    void clear() override { store.clear(); }
    std::string load(std::string_view key, const std::function<std::string()>& loader, const LoadOptions& options) override {
      return store.get_or_load(key, loader, options);
    }
    std::optional<std::string> load_optional(std::string_view key, const detail::LoadFunction& loader,
                                             const LoadOptions& options) override {
      return detail::load_optional(store, key, loader, options);
    }
    S store;
  };

  std::unique_ptr<Base> held_;
};

}  // namespace v0
}  // namespace carafe
