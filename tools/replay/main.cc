// SPDX-License-Identifier: MIT
/// carafe-replay: what a cache of this or that size would have done with the requests of a log. See carafe-replay(1).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "carafe/status.h"
#include "carafe/version.h"
#include "command_line.h"
#include "exit_code.h"
#include "output.h"
#include "progress.h"
#include "read_trace.h"
#include "report.h"
#include "text.h"

namespace carafe::replay {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 no such file, 4 no permission, 5 refused, 6 broken trace.\n"
    "Examples:   carafe-replay access.csv                         miss ratios at 1, 3, 10 and 30 %\n"
    "            carafe-replay --bytes 64M,256M,1G access.csv.zst  how large should the segment be?\n"
    "            cut -d' ' -f7 access.log | carafe-replay -        a log's seventh column as keys\n"
    "See carafe-replay(1).";

/// Messages quote what was typed and read, which may be any bytes.
void complain(const std::string& message) { std::fputs(("carafe-replay: " + tool::escape(message) + "\n").c_str(), stderr); }

void write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((file != nullptr && std::fclose(file) != 0) || !written)
    throw tool::Failure(tool::kFailure, "cannot write " + path + ": " + std::strerror(errno) + "; name another file for --svg");
}

void run_all(const CommandLine& line, const tool::Context& context) {
  check(line);
  Progress progress(!context.quiet);
  Trace trace =
      read_trace(line.trace, line.format, [&](std::size_t requests) { progress.show("reading " + tool::escape(line.trace), requests, 0); });
  if (line.gets_only) trace.forget_all_but_gets();
  const Settings settings = settings_for(line, trace);
  const Watcher watcher = [&](const std::string& what, std::uint64_t done, std::uint64_t whole) { progress.show(what, done, whole); };
  const Report report{trace, facts_of(trace), settings, run_experiment(trace, settings, watcher)};
  progress.hide();
  if (!line.svg.empty()) write_file(line.svg, to_svg(report));
  if (context.json) {
    print_as_json(context, report);
  } else {
    print_table(context, report);
  }
}

int run_command(int argc, const char* const* argv) {
  tool::Context context;
  context.terminal = ::isatty(STDOUT_FILENO) == 1;
  CommandLine line;
  CLI::App app("Replays a log of requests through carafe, beside other ways to choose what is evicted.", "carafe-replay");
  app.footer(kFooter);
  app.set_version_flag("-V,--version", std::string("carafe-replay ") + kVersionText);
  add_options(app, line, context);
  try {
    app.parse(argc, argv);
    run_all(line, context);
  } catch (const CLI::CallForHelp&) {
    tool::print(app.help());
  } catch (const CLI::CallForVersion& version) {
    tool::print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    throw tool::Failure(tool::kUsage, std::string(error.what()) + "; see carafe-replay --help");
  }
  tool::flush();
  return tool::kDone;
}

}  // namespace
}  // namespace carafe::replay

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that has seen enough (`| head`) is no failure of ours; see output.h
  try {
    return carafe::replay::run_command(argc, argv);
  } catch (const carafe::tool::Failure& failure) {
    carafe::replay::complain(failure.what());
    return failure.code();
  } catch (const carafe::Error& error) {
    carafe::replay::complain(error.what());
    return carafe::tool::exit_code_of(error.status());
  } catch (const std::bad_alloc&) {
    carafe::replay::complain("out of memory; replay a part of the trace (head -n), it is held in memory");
    return carafe::tool::kFailure;
  } catch (const std::exception& failure) {
    carafe::replay::complain(failure.what());
    return carafe::tool::kFailure;
  }
}
