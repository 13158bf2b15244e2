// SPDX-License-Identifier: MIT
#include "context.h"

#include <cstdlib>
#include <string_view>

namespace carafe::tool {
namespace {

constexpr char kShield = '\x01';

bool needs_shield(std::string_view text) {
  return !text.empty() && (text[0] == '[' || text[0] == '{' || text[0] == '%' || text[0] == kShield);
}

std::string unshielded(const std::string& text) { return !text.empty() && text[0] == kShield ? text.substr(1) : text; }

}  // namespace

bool Context::color() const noexcept {
  if (!terminal || no_color) return false;
  const char* asked_not_to = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (asked_not_to == nullptr || *asked_not_to == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

void add_global_flags(CLI::App& app, Context& context) {
  const std::string group = "Global options";
  app.add_flag("--json", context.json, "JSON instead of text")->group(group);
  app.add_flag("--bytes", context.bytes, "Exact bytes instead of 231.4M")->group(group);
  app.add_flag("--no-color", context.no_color, "No bold, no colours (also: NO_COLOR, TERM=dumb)")->group(group);
  app.add_flag("-q,--quiet", context.quiet, "Say nothing but data and errors")->group(group);
  app.add_flag("-y,--yes", context.yes, "Ask nothing; the answer is yes")->group(group);
}

CLI::App* add_verb(CLI::App& app, Context& context, const std::string& name, const std::string& summary) {
  CLI::App* verb = app.add_subcommand(name, summary);
  add_global_flags(*verb, context);
  return verb;
}

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& into, const std::string& help) {
  return verb.add_option_function<std::string>(
      name, [&into](const std::string& text) { into = unshielded(text); }, help);
}

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::optional<std::string>& into, const std::string& help) {
  return verb.add_option_function<std::string>(
      name, [&into](const std::string& text) { into = unshielded(text); }, help);
}

CLI::Option* add_texts(CLI::App& verb, const std::string& name, std::vector<std::string>& into, const std::string& help) {
  const auto take = [&into](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) into.push_back(unshielded(text));
  };
  return verb.add_option_function<std::vector<std::string>>(name, take, help);
}

std::vector<std::string> shielded_arguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (needs_shield(argument)) argument.insert(argument.begin(), kShield);
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace carafe::tool
