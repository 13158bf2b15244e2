// SPDX-License-Identifier: MIT
#include "replayer.h"

#include "trace_clock.h"

namespace carafe::replay {

void Replayer::serve(std::size_t position, volatile std::uint8_t& answer) {
  const Request request = trace_[position];
  if (trace_.columns().times) TraceClock::set(request.t_ms);
  const std::string_view key = payload_.key(trace_, request.key);
  const auto note = [&](Answer found) {
    if (answer == static_cast<std::uint8_t>(Answer::kNone)) answer = static_cast<std::uint8_t>(found);
  };
  if (request.op == Op::kDelete) {
    (void)cache_.erase(key);
    note(Answer::kOther);
  } else if (request.op == Op::kSet) {
    store(key, request);
    note(Answer::kOther);
  } else if (cache_.get(key, value_) == Status::kOk) {
    if (!payload_.is_right(request.key, value_)) tally_.wrong_values.fetch_add(1);
    note(Answer::kHit);
  } else {
    note(Answer::kMiss);
    store(key, request);
  }
}

void Replayer::store(std::string_view key, const Request& request) {
  const std::chrono::milliseconds ttl = request.ttl_ms == kNoTtl ? kForever : std::chrono::milliseconds(request.ttl_ms);
  if (cache_.set(key, payload_.value(trace_, request), ttl) != Status::kOk) tally_.declined.fetch_add(1);
}

}  // namespace carafe::replay
