// SPDX-License-Identifier: MIT
/// carafe: looks at the shared-memory caches of this host from outside, and changes them when told to. See carafe(1).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <string>

#include "carafe/status.h"
#include "carafe/version.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "text.h"

namespace carafe::tool {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 no permission, 5 refused or busy, 6 corrupt.\n"
    "Examples:   carafe ls              all segments of this host\n"
    "            carafe stat shop -w 1  a line every second\n"
    "            carafe clear shop      after a deploy: workers go on, the next get is a miss\n"
    "See carafe(1).";

std::string version_text(const Context& context) {
  if (context.json) return Json{{"version", kVersionText}, {"layout_version", kLayoutVersion}}.dump();
  return std::string("carafe ") + kVersionText + " (segment layout " + std::to_string(kLayoutVersion) + ")";
}

void add_verbs(CLI::App& app, Context& context) {
  app.footer(kFooter);
  app.require_subcommand(1);
  add_global_flags(app, context);
  app.set_version_flag(
      "-V,--version", [&context] { return version_text(context); }, "Versions of the library and of the segment layout");
  add_ls(app, context);
  add_stat(app, context);
  add_slabs(app, context);
  add_workers(app, context);
  add_namespaces(app, context);
  add_keys(app, context);
  add_get(app, context);
  add_verify(app, context);
  add_set(app, context);
  add_del(app, context);
  add_clear(app, context);
  add_prune(app, context);
  add_create(app, context);
  add_rm(app, context);
  add_hold(app, context);
  add_layout(app, context);
}

/// The verb that the rest of the command line was for, if it came that far.
std::string help_command(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? "carafe --help" : "carafe " + verbs.front()->get_name() + " --help";
}

int complain_about_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  if (app.get_subcommands().empty()) {  // CLI11 would speak of a missing subcommand even where one is misspelt
    const std::vector<std::string> rest = app.remaining();
    message = rest.empty() ? "say what to do: a verb is missing" : "there is no verb or option \"" + escape(rest.front()) + "\"";
  }
  message.erase(std::remove(message.begin(), message.end(), '\x01'), message.end());  // the mark of context.cc
  complain(message + "; see " + help_command(app));
  return kUsage;
}

int run(int argc, const char* const* argv) {
  Context context;
  context.terminal = ::isatty(STDOUT_FILENO) == 1;
  CLI::App app("Looks into the shared-memory caches of this host, and manages them.", "carafe");
  add_verbs(app, context);
  try {
    app.parse(shielded_arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    const auto verbs = app.get_subcommands();
    print(verbs.empty() ? app.help() : verbs.front()->help("carafe"));
    return kDone;
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
    return kDone;
  } catch (const CLI::ParseError& error) {
    return complain_about_usage(app, error);
  }
  return context.run();
}

int run_to_the_end(int argc, const char* const* argv) {
  try {
    const int code = run(argc, argv);
    flush();
    return code;
  } catch (const Failure& failure) {
    flush();
    complain(failure.what());
    return failure.code();
  } catch (const Error& error) {
    flush();
    complain(error.what());
    return exit_code_of(error.status());
  }
}

}  // namespace
}  // namespace carafe::tool

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that has seen enough (`| head`) is no failure of ours; see output.h
  try {
    return carafe::tool::run_to_the_end(argc, argv);
  } catch (const std::exception& failure) {
    carafe::tool::complain(failure.what());
    return carafe::tool::kFailure;
  }
}
