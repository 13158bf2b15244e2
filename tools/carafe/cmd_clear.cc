// SPDX-License-Identifier: MIT
/// carafe clear: outdates everything at once, or one namespace, or what bears a tag; what a deploy calls. Or walks, and erases by name.
#include <fmt/format.h>

#include <memory>
#include <optional>

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

struct ClearCommand {
  std::string segment;
  NamespaceArgument where;
  std::vector<std::string> tags;
  std::optional<std::string> prefix;
  std::optional<std::string> pattern;
  bool escaped = false;
};

int clear_all(const Context& context, const std::string& name, Cache& cache) {
  const std::uint64_t items = cache.stats().items;
  cache.clear();
  const std::uint64_t epoch = cache.info().epoch;
  if (context.json) {
    print_json(context, Json{{"name", name}, {"items", items}, {"epoch", epoch}});
  } else {
    say(context, fmt::format("cleared {}: {} items, clear number {}; workers go on", name, count_text(context, items), epoch));
  }
  return kDone;
}

int clear_namespace(const Context& context, const std::string& name, const NamespaceArgument& where, Namespace& space) {
  const std::uint64_t items = space.stats().items;
  space.clear();
  const std::uint64_t clears = space.stats().clears;
  if (context.json) {
    Json object{{"name", name}};
    set_namespace(object, where);
    object["items"] = items;
    object["clears"] = clears;
    print_json(context, object);
  } else {
    say(context,
        fmt::format("cleared {}: {} items, clear number {}; workers go on", where_text(name, where), count_text(context, items), clears));
  }
  return kDone;
}

int clear_tags(const Context& context, const std::string& name, const std::vector<std::string>& tags, Cache& cache) {
  Json all = Json::array();
  for (const std::string& tag : tags) {
    if (const Status status = cache.invalidate_tag(tag); status != Status::kOk)
      throw Failure(exit_code_of(status), fmt::format("cannot invalidate tag \"{}\" in segment \"{}\": {}: {}", escape(tag), name,
                                                      to_string(status), advice(status)));
    Json object;
    set_bytes(object, "tag", tag);
    all.push_back(std::move(object));
    say(context, fmt::format("cleared what has the tag \"{}\" in {}; workers go on", escape(tag), name));
  }
  if (context.json) print_json(context, Json{{"name", name}, {"tags", std::move(all)}});
  return kDone;
}

/// --prefix or --match.
int clear_by_name(const Context& context, const std::string& name, const ClearCommand& command, const NamespaceArgument& where,
                  Keyspace& keys) {
  const std::string text = command.prefix ? bytes_of(*command.prefix, command.escaped, "--prefix") : *command.pattern;
  const std::uint64_t erased = command.prefix ? keys.erase_prefix(text) : keys.erase_matching(text);
  if (context.json) {
    Json object{{"name", name}};
    set_namespace(object, where);
    set_bytes(object, command.prefix ? "prefix" : "match", text);
    object["erased"] = erased;
    print_json(context, object);
  } else {
    say(context, fmt::format("erased {} items whose keys {} \"{}\" in {}", count_text(context, erased),
                             command.prefix ? "begin with" : "match", escape(text), where.name ? where_text(name, where) : name));
  }
  return kDone;
}

int clear(const Context& context, const ClearCommand& command) {
  const std::string name = segment_name(command.segment);
  const NamespaceArgument where = namespace_of(command.where, command.escaped);
  const std::vector<std::string> tags = tags_of(command.tags, command.escaped);
  Cache cache = open_to_write(name, Trust::kWhoever);
  if (cache.info().retired)
    throw Failure(kRefused, fmt::format("segment \"{}\" was removed just now; there is nothing left to clear", name));
  std::optional<Namespace> space = find_namespace(cache, name, where);
  if (command.prefix || command.pattern) return clear_by_name(context, name, command, where, keys_of(cache, space));
  if (!tags.empty()) return clear_tags(context, name, tags, cache);
  return space ? clear_namespace(context, name, where, *space) : clear_all(context, name, cache);
}

}  // namespace

void add_clear(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "clear", "Drop every item, or some, at once; workers go on, their next get is a miss");
  const auto command = std::make_shared<ClearCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  CLI::Option* space = add_namespace(*verb, command->where);
  CLI::Option* prefix = add_text(*verb, "--prefix", command->prefix, "Only keys that begin with P; walks all keys")->type_name("P");
  CLI::Option* pattern = add_text(*verb, "--match", command->pattern, "Only keys that match, e.g. 'page:*' (quoted); walks all keys");
  pattern->type_name("GLOB")->excludes(prefix);
  add_texts(*verb, "--tag", command->tags, "Only what has this tag, in whatever namespace; may be repeated")
      ->type_name("TAG")
      ->allow_extra_args(false)
      ->excludes(space)
      ->excludes(prefix)
      ->excludes(pattern);
  verb->add_flag("-e,--escaped", command->escaped, kEscapedHelp);
  verb->callback([&context, command] { context.run = [&context, command] { return clear(context, *command); }; });
}

}  // namespace carafe::tool
