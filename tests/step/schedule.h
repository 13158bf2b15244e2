// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "step/operation.h"
#include "step/puppet.h"

namespace carafe::test {

/// A place within an operation at which a puppet may stop.
struct Place {
  std::uint32_t instruction = 0;
  Survey::Kind kind = Survey::kPlain;
  Stop stop;
  bool concerns_readers = false;
};
/// A move as it is written: "0@17" puppet 0 to the 17th instruction of its operation; "0+3" before the third access from here; "0*" to
/// the end of the operation.
struct Step {
  std::uint32_t puppet = 0;
  char how = '*';
  std::uint32_t number = 0;
  Stop stop = {};
};
using Schedule = std::vector<Step>;
using Places = std::vector<std::vector<std::vector<Place>>>;  // by puppet and operation

[[nodiscard]] inline std::string write(const Schedule& schedule) {
  std::string text;
  for (const Step& step : schedule) {
    text += (text.empty() ? "" : ",") + std::to_string(step.puppet) + step.how;
    if (step.how != '*') text += std::to_string(step.number);
  }
  return text;
}

/// What `write` has written.
[[nodiscard]] inline Schedule parse(const char* at, const std::vector<Part>& parts, const Places& places) {
  Schedule schedule;
  std::vector<std::size_t> operation(parts.size(), 0);  // the one a puppet is in
  while (*at != '\0') {
    char* end = nullptr;
    Step step;
    step.puppet = static_cast<std::uint32_t>(std::strtoul(at, &end, 10));
    step.how = *end++;
    if (step.puppet >= parts.size()) throw std::runtime_error("step test: no such puppet in CARAFE_STEP_SCHEDULE");
    if (step.how != '*') step.number = static_cast<std::uint32_t>(std::strtoul(end, &end, 10));
    if (step.how == '+') step.stop = {Stop::kAtAccess, step.number, 0};
    if (step.how == '@')
      for (const Place& place : places[step.puppet][operation[step.puppet]])
        if (place.instruction == step.number) step.stop = place.stop;
    if (step.how == '*' && operation[step.puppet] + 1 < parts[step.puppet].size()) ++operation[step.puppet];
    schedule.push_back(step);
    at = *end == ',' ? end + 1 : end;
  }
  return schedule;
}

}  // namespace carafe::test
