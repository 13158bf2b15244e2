// SPDX-License-Identifier: MIT
/// carafe set: stores one value, from the command line or byte for byte from standard input.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "key_argument.h"
#include "namespace_argument.h"
#include "output.h"
#include "segments.h"
#include "tag_argument.h"
#include "text.h"

namespace carafe::tool {
namespace {

struct SetCommand {
  std::string segment;
  std::string key;
  std::string value = "-";
  std::string ttl = "forever";
  std::string trusted_user;
  std::vector<std::string> tags;
  NamespaceArgument where;
  bool escaped = false;
};

/// Standard input, to its end, or to one byte beyond `limit`: enough for the cache to refuse it.
std::string read_input(std::uint64_t limit) {
  std::string value;
  std::string block(64 << 10, '\0');
  while (value.size() <= limit) {
    const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure(kFailure, std::string("cannot read the value from standard input: ") + std::strerror(errno));
    value.append(block, 0, static_cast<std::size_t>(got));
  }
  return value;
}

std::string value_of(const Context& context, const SetCommand& command, const Cache& cache) {
  if (command.value != "-") return command.value;
  if (::isatty(STDIN_FILENO) == 1 && !context.quiet) complain("type the value, then Ctrl-D");
  return read_input(cache.info().largest_value_bytes);
}

int set(const Context& context, const SetCommand& command) {
  const std::string name = segment_name(command.segment);
  const std::string key = key_of(command.key, command.escaped);
  const auto ttl = parse_duration(command.ttl);
  if (!ttl)
    throw Failure(kUsage, fmt::format("--ttl: \"{}\" is no duration; write 250ms, 30s, 5m, 1h30m, 2d or forever", escape(command.ttl)));
  const NamespaceArgument where = namespace_of(command.where, command.escaped);
  const std::vector<std::string> tags = tags_of(command.tags, command.escaped);
  SetOptions options{.ttl = *ttl};
  for (const std::string& tag : tags) options.tags.add(tag);
  Cache cache = open_to_write(name, Trust::kNamedOwner, command.trusted_user);
  std::optional<Namespace> space = find_or_make_namespace(cache, where);
  const std::string value = value_of(context, command, cache);
  if (const Status status = keys_of(cache, space).set(key, value, options); status != Status::kOk)
    throw key_failure("cannot set", key, where_text(name, where), status);
  if (context.json) {
    Json object{{"name", name}};
    set_namespace(object, where);
    set_bytes(object, "key", key);
    object["value_bytes"] = value.size();
    object["ttl_ms"] = *ttl == kForever ? Json(nullptr) : Json(ttl->count());
    print_json(context, object);
  }
  return kDone;
}

}  // namespace

void add_set(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "set", "Store a value");
  const auto command = std::make_shared<SetCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  add_text(*verb, "KEY", command->key, "Key, 1 to 4096 bytes")->required();
  add_text(*verb, "VALUE", command->value, "Value; standard input when it is - or absent");
  add_text(*verb, "-t,--ttl", command->ttl, "Time to live: 250ms, 30s, 5m, 1h30m, 2d, forever (default); 0 removes")->type_name("TTL");
  add_text(*verb, "--trust", command->trusted_user, "Accept a segment that belongs to this user, besides you and root")->type_name("USER");
  add_texts(*verb, "--tag", command->tags, "What it belongs to, up to 8; carafe clear --tag drops it")
      ->type_name("TAG")
      ->allow_extra_args(false);
  add_namespace(*verb, command->where);
  verb->add_flag("-e,--escaped", command->escaped, kEscapedHelp);
  verb->callback([&context, command] { context.run = [&context, command] { return set(context, *command); }; });
}

}  // namespace carafe::tool
