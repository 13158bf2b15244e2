// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cache/engine.h"
#include "cache/items.h"
#include "cache/reader.h"

namespace carafe::weak {

/// What a get came to.
struct Got {
  std::string key;
  std::string value;  // empty: a miss
  std::uint64_t version = 0;
  bool at_last = false;  // when all was over
};

/// The smallest segment, with a fixed seed and a clock that stands still: what the threads of a scenario work on. Keys and values are
/// whole words, so that a torn one is one of two words.
class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] const Engine& engine() const noexcept { return *engine_; }
  [[nodiscard]] Key key(const std::string& text) const { return Key::of(*engine_, text); }
  /// The next key for which `fits(key)` holds; never the same twice.
  [[nodiscard]] std::string find_key(const std::function<bool(const Key&)>& fits);
  /// A value of so many words that tell the letter.
  [[nodiscard]] static std::string value(char letter, std::size_t words = 2);

  void set(const std::string& key, const std::string& value);
  void erase(const std::string& key);
  /// Keeps the answer in gots.
  void get(const std::string& key, bool with_version = false);
  void increment(const std::string& key);
  /// Looks at all items; what came of keys[0] is kept as a get of it.
  void walk();
  void rebuild(std::uint32_t stripe, std::uint32_t buckets);
  /// The chunk that holds `key`, looked up at rest.
  [[nodiscard]] Chunk chunk_of(const std::string& key) const;
  /// From now on a set of this size finds no free chunk, and the hand comes to `chunk` first.
  void leave_no_room_but(const Chunk& chunk);

  std::vector<std::string> keys;  // a scenario's own
  std::vector<Got> gots;
  std::string trouble;  // an answer that must not be
  Atomic<std::uint64_t> flag{0};

 private:
  std::unique_ptr<Engine> engine_;
  int next_key_ = 0;
};

/// How often Reader tries without a lock, and then by the chunk's own word: the constant of the product, but for scenarios that are about
/// what comes after.
struct ReadTries {
  int at_once = kReadTries;
  int patient = kReadTries;
};
inline ReadTries read_tries;

}  // namespace carafe::weak
