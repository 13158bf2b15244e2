// SPDX-License-Identifier: MIT
#include "read_trace.h"

#include <algorithm>
#include <cctype>

#include "exit_code.h"

namespace carafe::replay {
namespace {

constexpr std::size_t kFirstBytes = 4096;

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// key,size,... with a number for the size, or a header.
bool looks_like_csv(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  const std::size_t comma = line.find(',');
  if (comma == std::string_view::npos) return false;
  const std::string_view key = line.substr(0, comma);
  std::string_view size = line.substr(comma + 1);
  size = size.substr(0, size.find(','));
  if (size.ends_with('\r')) size.remove_suffix(1);
  return key == "key" || key == "key_id" || is_number(size);
}

}  // namespace

std::string guess_format(const std::string& path, std::string_view first_bytes) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  if (name.ends_with(".zst")) name.resize(name.size() - 4);
  if (name.ends_with(".csv")) return "csv";
  if (name.ends_with(".txt") || name.ends_with(".keys") || name.ends_with(".lst")) return "keys";
  if (name.ends_with(".oracleGeneral") || name.ends_with(".oracleGeneral.bin")) return "oracle";
  if (first_bytes.find('\0') != std::string_view::npos) return "oracle";
  return looks_like_csv(first_bytes) ? "csv" : "keys";
}

Trace read_trace(const std::string& path, const std::string& format, const ReadProgress& progress) {
  PeekableSource source(open_source(path));
  const std::string name = path == "-" ? "standard input" : path;
  const std::string_view first = source.peek(kFirstBytes);
  if (first.empty()) throw tool::Failure(tool::kDamaged, name + " is empty: no request to replay");
  const std::string kind = format == "auto" ? guess_format(path, first) : format;
  Trace trace = kind == "csv"    ? read_csv(source, name, progress)
                : kind == "keys" ? read_keys(source, name, progress)
                                 : read_oracle(source, name, progress);
  if (trace.size() == 0) throw tool::Failure(tool::kDamaged, name + " has no request to replay");
  trace.name = name;
  trace.format = kind;
  return trace;
}

}  // namespace carafe::replay
