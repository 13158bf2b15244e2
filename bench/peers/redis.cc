// SPDX-License-Identifier: MIT
#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

/// Redis over a unix socket (`place`), by hiredis.
struct RedisPeer {
  static constexpr const char* kName = "redis";
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit RedisPeer(const PeerSettings& settings) : socket(settings.place) {}

  void open() {
    redis = redisConnectUnix(socket.c_str());
    if (redis == nullptr || redis->err != 0) give_up("no connection");
  }
  void close() { redisFree(redis); }

  /// A hundred sets to a round trip.
  void begin_fill() { filling = true; }
  void end_fill() {
    drain();
    filling = false;
  }

  bool get(std::string_view key, std::string& reused) {
    const Reply reply = ask(std::array<std::string_view, 2>{"GET", key});
    if (reply->type != REDIS_REPLY_STRING) return false;
    reused.assign(reply->str, reply->len);
    return true;
  }
  bool set(std::string_view key, std::string_view value) {
    const std::array<std::string_view, 3> words{"SET", key, value};
    if (!filling) return ask(words)->type == REDIS_REPLY_STATUS;
    Words<3> split(words);
    redisAppendCommandArgv(redis, 3, split.texts.data(), split.lengths.data());
    if (++pending == 100) drain();
    return true;
  }

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    std::array<std::string_view, 101> words{"MGET"};
    const std::size_t count = std::min(keys.size(), words.size() - 1);
    std::copy_n(keys.begin(), count, words.begin() + 1);
    const Reply reply = ask(words, count + 1);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count) give_up("no array in answer to MGET");
    for (std::size_t i = 0; i < count; ++i) {
      const redisReply& element = *reply->element[i];
      if (element.type == REDIS_REPLY_STRING) each(i, std::string_view(element.str, element.len));
    }
  }

 private:
  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  using Reply = std::unique_ptr<redisReply, Free>;

  /// As hiredis wants them.
  template <std::size_t kCount>
  struct Words {
    explicit Words(const std::array<std::string_view, kCount>& words) {
      for (std::size_t i = 0; i < kCount; ++i) {
        texts[i] = words[i].data();
        lengths[i] = words[i].size();
      }
    }
    std::array<const char*, kCount> texts;
    std::array<std::size_t, kCount> lengths;
  };

  template <std::size_t kCount>
  Reply ask(const std::array<std::string_view, kCount>& words, std::size_t count = kCount) {
    Words<kCount> split(words);
    return checked(redisCommandArgv(redis, static_cast<int>(count), split.texts.data(), split.lengths.data()));
  }
  void drain() {
    for (; pending > 0; --pending) {
      void* answer = nullptr;
      if (redisGetReply(redis, &answer) != REDIS_OK) give_up("no answer");
      if (checked(answer)->type == REDIS_REPLY_ERROR) give_up("refused an item");
    }
  }
  static Reply checked(void* answer) {
    if (answer == nullptr) give_up("no answer");
    return Reply(static_cast<redisReply*>(answer));
  }
  [[noreturn]] static void give_up(const char* why) {
    std::fprintf(stderr, "redis: %s\n", why);
    std::exit(1);
  }

  std::string socket;
  redisContext* redis = nullptr;
  bool filling = false;
  int pending = 0;
};

const Registered<RedisPeer> registered;

}  // namespace
}  // namespace carafe::bench
