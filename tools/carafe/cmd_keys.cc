// SPDX-License-Identifier: MIT
/// carafe keys: what is stored, as it is walked; nothing is gathered first, so it starts at once and needs no memory.
#include <fmt/format.h>

#include <limits>
#include <memory>

#include "base/glob.h"
#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "key_argument.h"
#include "namespace_argument.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

struct KeysOptions {
  std::string segment;
  std::string pattern = "*";
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  NamespaceArgument where;
  bool only_keys = false;
  bool escaped = false;
};

Json to_json(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
  Json object;
  set_bytes(object, "key", key);
  object["value_bytes"] = value.size();
  object["ttl_ms"] = ttl == kForever ? Json(nullptr) : Json(ttl.count());
  return object;
}

std::string to_line(const Context& context, const KeysOptions& options, std::string_view key, std::string_view value,
                    std::chrono::milliseconds ttl) {
  if (options.only_keys) return escape(key) + "\n";
  return fmt::format("{:>10}  {:>8}  {}\n", bytes_text(context, value.size()), ttl_text(ttl), escape(key));
}

/// The walk itself; `shown` counts what was printed.
void walk(const Context& context, const KeysOptions& options, Keyspace& keys, std::uint64_t& shown) {
  if (options.limit == 0) return;
  keys.for_each([&](std::string_view key, std::string_view value) {
    if (!glob_match(options.pattern, key)) return true;
    const auto ttl = keys.remaining_ttl(key);
    if (!ttl) return true;  // gone since
    if (context.json) {
      print((shown == 0 ? "\n" : ",\n") + to_json(key, value, *ttl).dump());
    } else {
      print(to_line(context, options, key, value, *ttl));
    }
    return ++shown < options.limit && !reader_is_gone();
  });
}

int show_keys(const Context& context, const KeysOptions& options) {
  const std::string name = segment_name(options.segment);
  const NamespaceArgument where = namespace_of(options.where, options.escaped);
  Cache cache = open_to_look(name);
  std::optional<Namespace> space = find_namespace(cache, name, where);
  Keyspace& keys = keys_of(cache, space);
  std::uint64_t shown = 0;
  if (context.json) {
    Json head{{"name", name}};
    set_namespace(head, where);
    std::string opening = head.dump();
    opening.pop_back();  // the brace, which comes behind the keys
    print(opening + ",\"keys\":[");
    walk(context, options, keys, shown);
    print(shown == 0 ? "]}\n" : "\n]}\n");
    return kDone;
  }
  if (!options.only_keys) {
    const std::string header = fmt::format("{:>10}  {:>8}  {}", "VALUE", "TTL", "KEY");
    print(context.color() ? "\x1b[1m" + header + "\x1b[0m\n" : header + "\n");
  }
  walk(context, options, keys, shown);
  return kDone;
}

}  // namespace

void add_keys(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "keys", "List keys, escaped, with the size of the value and the time to live");
  const auto options = std::make_shared<KeysOptions>();
  add_text(*verb, "SEG", options->segment, "Segment")->required();
  add_text(*verb, "-m,--match", options->pattern, "Only keys that match, e.g. 'product:*' (quoted)")->type_name("GLOB");
  verb->add_option("-n,--limit", options->limit, "Stop after N keys")->type_name("N")->check(CLI::NonNegativeNumber);
  verb->add_flag("-k,--only-keys", options->only_keys, "No sizes, no header: a key a line");
  add_namespace(*verb, options->where);
  verb->add_flag("-e,--escaped", options->escaped, kEscapedHelp);
  verb->callback([&context, options] { context.run = [&context, options] { return show_keys(context, *options); }; });
}

}  // namespace carafe::tool
