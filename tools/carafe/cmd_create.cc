// SPDX-License-Identifier: MIT
/// carafe create: makes a segment at deploy, rather than by whichever worker comes first.
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "memory_text.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

struct CreateCommand {
  std::string segment;
  std::string size;
  std::string mode;
  std::string group;
  std::uint32_t max_workers = 0;
  std::uint32_t max_namespaces = 0;
  std::string pages = "auto";
  bool interleave = false;
};

unsigned parse_mode(const std::string& text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Failure(kUsage, fmt::format("--mode: \"{}\" is not octal; write 0600, or 0660 together with --group", escape(text)));
  return mode;
}

Pages parse_pages(const std::string& text) {
  if (text == "auto") return Pages::kAuto;
  if (text == "small") return Pages::kSmall;
  if (text == "huge") return Pages::kHuge;
  throw Failure(kUsage, fmt::format("--pages: \"{}\" is not auto, small or huge", escape(text)));
}

int create(const Context& context, const CreateCommand& command) {
  const std::string name = segment_name(command.segment);
  const auto size = parse_size(command.size);
  if (!size)
    throw Failure(kUsage, fmt::format("--size: \"{}\" is no size; write 64M, 1536M, 2G or a number of bytes", escape(command.size)));
  Options options;
  options.capacity_bytes = *size;
  options.group = command.group;
  options.mode = !command.mode.empty() ? parse_mode(command.mode) : command.group.empty() ? 0600 : 0660;
  options.max_workers = command.max_workers;
  options.max_namespaces = command.max_namespaces;
  options.pages = parse_pages(command.pages);
  options.interleave = command.interleave;
  const Cache cache = Cache::create(name, options);
  const SegmentInfo info = cache.info();
  const MemoryStats memory = cache.memory();
  if (context.json) {
    print_json(context, Json{{"name", name},
                             {"capacity_bytes", info.capacity_bytes},
                             {"max_workers", info.max_workers},
                             {"max_namespaces", info.max_namespaces},
                             {"mode", mode_text(info.mode)},
                             {"group", group_name(info.owner_gid)},
                             {"memory", memory_json(memory)},
                             {"refused", memory.refused}});
  } else {
    say(context, fmt::format("created {}: {}, room for {} workers and {} namespaces, mode {}, owner {}:{}", name,
                             bytes_text(context, info.capacity_bytes), info.max_workers, info.max_namespaces, mode_text(info.mode),
                             user_name(info.owner_uid), group_name(info.owner_gid)));
    for (const std::string& reason : memory.refused) say(context, "refused: " + reason);
  }
  return kDone;
}

}  // namespace

void add_create(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "create", "Make a segment; its memory is reserved in full");
  const auto command = std::make_shared<CreateCommand>();
  add_text(*verb, "SEG", command->segment, "Name: 1 to 200 letters, digits, '.', '_' or '-'")->required();
  add_text(*verb, "-s,--size", command->size, "Capacity, everything counted: 256M, 2G; at least 1M")->type_name("SIZE")->required();
  add_text(*verb, "--mode", command->mode, "0600 (default), or 0660 for all of --group")->type_name("MODE");
  add_text(*verb, "--group", command->group, "Group that may use it, too; implies --mode 0660")->type_name("GROUP");
  verb->add_option("--max-workers", command->max_workers, "Most processes at once, 4 to 4096; default: by size")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--max-namespaces", command->max_namespaces, "Most namespaces at once, 1 to 65535; default: by size")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  add_text(*verb, "--pages", command->pages, "auto (default), small, or huge: collect huge pages now, whatever the kernel's setting")
      ->type_name("KIND");
  verb->add_flag("--interleave", command->interleave, "Spread its memory over the NUMA nodes");
  verb->callback([&context, command] { context.run = [&context, command] { return create(context, *command); }; });
}

}  // namespace carafe::tool
