// SPDX-License-Identifier: MIT
#include "exit_code.h"
#include "layout/limits.h"
#include "line_reader.h"
#include "read_trace.h"

namespace carafe::replay {

Trace read_keys(ByteSource& source, const std::string& name, const ReadProgress& progress) {
  Trace trace;
  LineReader lines(source);
  for (std::string_view key; lines.next(key);) {
    if (key.empty() || key.size() > kMaxKeyBytes)
      throw tool::Failure(tool::kDamaged, name + ": line " + std::to_string(lines.number()) + ": a key of " + std::to_string(key.size()) +
                                              " bytes; keys are 1 to " + std::to_string(kMaxKeyBytes) + " bytes, one a line");
    Request request;
    request.key = trace.keys.number(key);
    trace.add(request);
    if (progress && trace.size() % 65536 == 0) progress(trace.size());
  }
  return trace;
}

}  // namespace carafe::replay
