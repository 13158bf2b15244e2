// SPDX-License-Identifier: MIT
/// carafe get: the bytes of one value, and nothing else. The handle is read-only, so it counts as neither hit nor miss.
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

struct GetOptions {
  std::string segment;
  std::string key;
  NamespaceArgument where;
  bool escaped = false;
};

int get(const Context& context, const GetOptions& options) {
  const std::string name = segment_name(options.segment);
  const std::string key = key_of(options.key, options.escaped);
  const NamespaceArgument where = namespace_of(options.where, options.escaped);
  Cache cache = open_to_look(name);
  std::optional<Namespace> space = find_namespace(cache, name, where);
  Keyspace& keys = keys_of(cache, space);
  std::string value;
  if (const Status status = keys.get(key, value); status != Status::kOk)
    throw key_failure("cannot get", key, where_text(name, where), status);
  if (context.json) {
    Json object;
    set_namespace(object, where);
    set_bytes(object, "key", key);
    set_bytes(object, "value", value);
    object["value_bytes"] = value.size();
    const auto ttl = keys.remaining_ttl(key);
    object["ttl_ms"] = !ttl || *ttl == kForever ? Json(nullptr) : Json(ttl->count());
    print_json(context, object);
    return kDone;
  }
  print(value);
  if (context.terminal && !value.ends_with('\n')) print("\n");  // for the prompt's sake; a pipe gets the exact bytes
  return kDone;
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "get", "Write the value of a key to standard output; counts as neither hit nor miss");
  const auto options = std::make_shared<GetOptions>();
  add_text(*verb, "SEG", options->segment, "Segment")->required();
  add_text(*verb, "KEY", options->key, "Key")->required();
  add_namespace(*verb, options->where);
  verb->add_flag("-e,--escaped", options->escaped, kEscapedHelp);
  verb->callback([&context, options] { context.run = [&context, options] { return get(context, *options); }; });
}

}  // namespace carafe::tool
