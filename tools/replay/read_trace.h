// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "byte_source.h"
#include "trace.h"

namespace carafe::replay {

/// Called now and then with the number of requests read so far.
using ReadProgress = std::function<void(std::size_t)>;

/// Reads a whole trace. `format` is csv, keys, oracle or auto. Throws Failure: with the line (or record) that is broken, and what should stand
/// there.
[[nodiscard]] Trace read_trace(const std::string& path, const std::string& format, const ReadProgress& progress = {});

/// What `path` (without .zst) and, where that says nothing, the first bytes look like: csv, keys or oracle.
[[nodiscard]] std::string guess_format(const std::string& path, std::string_view first_bytes);

/// Lines key[,size[,ttl_ms,op,t_ms]]; a first line that begins with "key" or "key_id" names the columns, in any order. op is g, s or d.
/// An empty ttl_ms, or 0: for ever.
[[nodiscard]] Trace read_csv(ByteSource& source, const std::string& name, const ReadProgress& progress = {});
/// One key a line, any bytes.
[[nodiscard]] Trace read_keys(ByteSource& source, const std::string& name, const ReadProgress& progress = {});
/// libCacheSim's oracleGeneral: records of 24 bytes, little endian: u32 seconds, u64 id, u32 size, i64 position of the next access (unused).
[[nodiscard]] Trace read_oracle(ByteSource& source, const std::string& name, const ReadProgress& progress = {});

}  // namespace carafe::replay
