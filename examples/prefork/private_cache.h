// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace shop {

/// What a worker does without carafe: a map of its own. Filled once a worker, and by everybody who asks before the first answer is there.
/// Keeps all for ever, which the comparison does not need to know.
class PrivateCache {
 public:
  template <typename Query>
  std::optional<std::string> get_or_query(const std::string& key, const Query& query) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = pages_.find(key); found != pages_.end()) return found->second;
    }
    std::optional<std::string> page = query();
    const std::lock_guard lock(mutex_);
    if (page) pages_.insert_or_assign(key, *page);
    return page;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> pages_;
};

}  // namespace shop
