// SPDX-License-Identifier: MIT
#include "model/weak/world.h"

#include <cstdio>

#include "base/time.h"
#include "cache/glance.h"
#include "cache/iterate.h"
#include "cache/rebuild.h"
#include "cache/stamps.h"
#include "cache/writer.h"
#include "evict/clock_hand.h"
#include "index/table.h"

namespace carafe::weak {

World::World() {
  override_time_for_tests([]() noexcept -> std::uint64_t { return 1'000'000; });
  Options options;
  options.capacity_bytes = kMinCapacityBytes;
  options.eviction = Eviction::kClock;  // the duel keeps its shadows in plain words under a lock: they would outlive an execution
  Segment segment = create_anonymous_segment(options);
  segment.view.header().seed = 1;
  engine_ = std::make_unique<Engine>(std::move(segment), 1'000'000'000);
}

World::~World() { override_time_for_tests(nullptr); }

std::string World::find_key(const std::function<bool(const Key&)>& fits) {
  for (;;) {
    char text[16];
    std::snprintf(text, sizeof text, "key%05d", next_key_++);
    if (fits(key(text))) return text;
  }
}

std::string World::value(char letter, std::size_t words) {
  std::string value;
  for (std::size_t i = 0; i < words; ++i) value += std::string(8, static_cast<char>(i % 2 == 0 ? letter : letter - 'A' + 'a'));
  return value;
}

void World::set(const std::string& text, const std::string& value) {
  const Worker me = engine_->worker();
  const Status status = Writer(*engine_, me).store(key(text), value, ItemTraits{}, Condition::kAlways);
  if (status != Status::kOk) trouble = "a set said " + std::to_string(static_cast<int>(status));
}

void World::erase(const std::string& text) {
  const Worker me = engine_->worker();
  const Status status = Writer(*engine_, me).erase(key(text));
  if (status != Status::kOk && status != Status::kNotFound) trouble = "an erase said " + std::to_string(static_cast<int>(status));
}

void World::increment(const std::string& text) {
  const Worker me = engine_->worker();
  if (Writer(*engine_, me).increment(key(text), 1, 0, Expiry{}, stamp_now(engine_->view)).status != Status::kOk)
    trouble = "an increment failed";
}

void World::walk() {
  const Worker me = engine_->worker();
  Got got;
  got.key = keys[0];
  visit_items(*engine_, me, {}, [&](std::string_view text, std::string_view value) {
    if (text == keys[0]) got.value = value;
    return true;
  });
  gots.push_back(std::move(got));
}

void World::get(const std::string& text, bool with_version) {
  const Worker me = engine_->worker();
  Got got;
  got.key = text;
  got.value.reserve(256);  // the read under the lock allocates nothing
  ReadDetails details;
  const ReadResult result =
      with_version ? Reader(*engine_, me).read(key(text), &got.value, &details, false) : read_value(*engine_, me, key(text), got.value);
  if (result == ReadResult::kCorrupt) trouble = "a get said that something is corrupt";
  if (result != ReadResult::kHit) got.value.clear();
  got.version = details.version;
  gots.push_back(std::move(got));
}

void World::rebuild(std::uint32_t stripe, std::uint32_t buckets) {
  const Worker me = engine_->worker();
  static_cast<void>(rebuild_table(*engine_, me, stripe, engine_->view.directory(stripe).load(kAcquire), buckets));
}

Chunk World::chunk_of(const std::string& text) const {
  const Key k = key(text);
  return find_locked(*engine_, Table::of(engine_->view, k.stripe), k, engine_->epoch()).chunk;
}

void World::leave_no_room_but(const Chunk& chunk) {
  engine_->view.header().free_pages.store(0, kRelaxed);
  engine_->view.size_class(chunk.size_class).unseen_free.store(0, kRelaxed);
  ClockHand(engine_->view, chunk.size_class).move_to({chunk.page, chunk.index});
}

}  // namespace carafe::weak
