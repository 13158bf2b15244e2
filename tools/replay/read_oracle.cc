// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <vector>

#include "exit_code.h"
#include "read_trace.h"

namespace carafe::replay {
namespace {

constexpr std::size_t kRecordBytes = 24;

/// An unsigned little-endian number of `bytes` bytes, whatever this machine's order.
std::uint64_t number_at(const char* from, std::size_t bytes) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = bytes; i-- > 0;) number = number << 8 | static_cast<unsigned char>(from[i]);
  return number;
}

[[noreturn]] void fail(const std::string& name, std::size_t record, const std::string& what) {
  throw tool::Failure(tool::kDamaged, name + ": record " + std::to_string(record) + ": " + what);
}

}  // namespace

Trace read_oracle(ByteSource& source, const std::string& name, const ReadProgress& progress) {
  Trace trace(Columns{.sizes = true, .times = true});
  std::vector<char> block(kRecordBytes * 4096);
  std::size_t held = 0;
  std::uint64_t first_second = 0;
  std::uint64_t last_second = 0;
  for (;;) {
    const std::size_t got = source.read(std::span(block).subspan(held));
    if (got == 0) break;
    held += got;
    std::size_t at = 0;
    for (; held - at >= kRecordBytes; at += kRecordBytes) {
      const char* record = block.data() + at;
      const std::uint64_t second = number_at(record, 4);
      if (trace.size() == 0) first_second = second;
      if (second < first_second) fail(name, trace.size() + 1, "its time is before the first record's; is this oracleGeneral?");
      Request request;
      request.key = trace.keys.number({record + 4, 8});
      request.size = static_cast<std::uint32_t>(number_at(record + 12, 4));
      last_second = std::max(last_second, second);  // some of these files are a second out of order here and there
      request.t_ms = (last_second - first_second) * 1000;
      trace.add(request);
      if (progress && trace.size() % 65536 == 0) progress(trace.size());
    }
    std::memmove(block.data(), block.data() + at, held - at);
    held -= at;
  }
  if (held != 0)
    fail(name, trace.size() + 1, "cut short after " + std::to_string(held) + " of its 24 bytes; is this oracleGeneral, and complete?");
  return trace;
}

}  // namespace carafe::replay
