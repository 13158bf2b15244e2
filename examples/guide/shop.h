// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace guide {

/// The database and the templates that the listings of docs/guide.md keep from work. Counts what it is asked.
class Shop {
 public:
  std::string product_page(int id) { return "<h1>" + product(id).value_or("nothing") + "</h1>"; }
  std::optional<std::string> product(int id) {
    const std::lock_guard lock(mutex_);
    ++queries_;
    if (is_down_) throw std::runtime_error("the database is down");
    const auto found = names_.find(id);
    return found != names_.end() ? std::optional(found->second) : std::nullopt;
  }
  /// Committed when this returns.
  void rename(int id, std::string name) {
    const std::lock_guard lock(mutex_);
    names_[id] = std::move(name);
  }

  void set_down(bool down) { is_down_ = down; }
  [[nodiscard]] int queries() const { return queries_; }

 private:
  std::mutex mutex_;
  std::map<int, std::string> names_{{42, "Carafe"}, {43, "Jug"}};
  int queries_ = 0;
  bool is_down_ = false;
};

}  // namespace guide
