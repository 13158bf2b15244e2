// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace carafe::tool {

/// What the whole command line decided: the global flags, where the output goes, and the verb to run. One per process.
struct Context {
  bool json = false;
  bool bytes = false;  // exact figures instead of 231.4M
  bool no_color = false;
  bool quiet = false;        // nothing but data and errors
  bool yes = false;          // no questions
  bool terminal = false;     // standard output is one: digits are grouped, headers may be bold
  std::function<int()> run;  // set by the verb that was parsed; answers the exit code

  /// Whether escape sequences are welcome: on a terminal that is not dumb, unless --no-color or NO_COLOR.
  [[nodiscard]] bool color() const noexcept;
};

/// Adds a verb with the global flags, so that they may stand before or behind it.
CLI::App* add_verb(CLI::App& app, Context& context, const std::string& name, const std::string& summary);
void add_global_flags(CLI::App& app, Context& context);

/// An option or positional whose text is taken exactly as typed.
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& into, const std::string& help);
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::optional<std::string>& into, const std::string& help);
/// The same for one that may be repeated.
CLI::Option* add_texts(CLI::App& verb, const std::string& name, std::vector<std::string>& into, const std::string& help);

/// The command line, last argument first as CLI11 wants it. CLI11 reads "[a,b]" and "{}" as lists where an argument may be
/// repeated; keys may look like that, so such arguments travel behind a mark that add_text and add_texts take off again.
[[nodiscard]] std::vector<std::string> shielded_arguments(int argc, const char* const* argv);

}  // namespace carafe::tool
