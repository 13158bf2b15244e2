// SPDX-License-Identifier: MIT
/// carafe del: removes keys, all that it can; the first that it cannot decides the exit code.
#include <fmt/format.h>

#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "key_argument.h"
#include "output.h"
#include "segments.h"

namespace carafe::tool {
namespace {

struct DelCommand {
  std::string segment;
  std::vector<std::string> keys;
  bool escaped = false;
};

int del(const Context& context, const DelCommand& command) {
  const std::string name = segment_name(command.segment);
  std::vector<std::string> keys;
  for (const std::string& typed : command.keys) keys.push_back(key_of(typed, command.escaped));
  Cache cache = open_to_write(name, Trust::kWhoever);
  int code = kDone;
  std::size_t deleted = 0;
  Json outcomes = Json::array();
  for (const std::string& key : keys) {
    const Status status = cache.erase(key);
    Json outcome;
    set_bytes(outcome, "key", key);
    outcome["status"] = to_string(status);
    outcomes.push_back(std::move(outcome));
    if (status == Status::kOk) {
      ++deleted;
      continue;
    }
    complain(key_failure("cannot delete", key, name, status).what());
    if (code == kDone) code = exit_code_of(status);
  }
  if (context.json) {
    print_json(context, Json{{"name", name}, {"deleted", deleted}, {"keys", std::move(outcomes)}});
  } else {
    say(context, fmt::format("deleted {} of {} keys in {}", deleted, keys.size(), name));
  }
  return code;
}

}  // namespace

void add_del(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "del", "Remove keys; exit code 3 when one was not there");
  const auto command = std::make_shared<DelCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  add_texts(*verb, "KEY", command->keys, "Keys")->required();
  verb->add_flag("-e,--escaped", command->escaped, kEscapedHelp);
  verb->callback([&context, command] { context.run = [&context, command] { return del(context, *command); }; });
}

}  // namespace carafe::tool
