// SPDX-License-Identifier: MIT
/// carafe del: removes keys, all that it can; the first that it cannot decides the exit code.
#include <fmt/format.h>

#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "key_argument.h"
#include "namespace_argument.h"
#include "output.h"
#include "segments.h"

namespace carafe::tool {
namespace {

struct DelCommand {
  std::string segment;
  std::vector<std::string> keys;
  NamespaceArgument where;
  bool escaped = false;
};

int del(const Context& context, const DelCommand& command) {
  const std::string name = segment_name(command.segment);
  std::vector<std::string> keys;
  for (const std::string& typed : command.keys) keys.push_back(key_of(typed, command.escaped));
  const NamespaceArgument where = namespace_of(command.where, command.escaped);
  Cache cache = open_to_write(name, Trust::kWhoever);
  std::optional<Namespace> space = find_namespace(cache, name, where);
  int code = kDone;
  std::size_t deleted = 0;
  Json outcomes = Json::array();
  for (const std::string& key : keys) {
    const Status status = keys_of(cache, space).erase(key);
    Json outcome;
    set_bytes(outcome, "key", key);
    outcome["status"] = to_string(status);
    outcomes.push_back(std::move(outcome));
    if (status == Status::kOk) {
      ++deleted;
      continue;
    }
    complain(key_failure("cannot delete", key, where_text(name, where), status).what());
    if (code == kDone) code = exit_code_of(status);
  }
  if (context.json) {
    Json object{{"name", name}};
    set_namespace(object, where);
    object["deleted"] = deleted;
    object["keys"] = std::move(outcomes);
    print_json(context, object);
  } else {
    say(context, fmt::format("deleted {} of {} keys in {}", deleted, keys.size(), where.name ? where_text(name, where) : name));
  }
  return code;
}

}  // namespace

void add_del(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "del", "Remove keys; exit code 3 when one was not there");
  const auto command = std::make_shared<DelCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  add_texts(*verb, "KEY", command->keys, "Keys")->required();
  add_namespace(*verb, command->where);
  verb->add_flag("-e,--escaped", command->escaped, kEscapedHelp);
  verb->callback([&context, command] { context.run = [&context, command] { return del(context, *command); }; });
}

}  // namespace carafe::tool
