// SPDX-License-Identifier: MIT
#include "namespace_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "exit_code.h"
#include "key_argument.h"
#include "layout/limits.h"
#include "text.h"

namespace carafe::tool {
namespace {

constexpr std::size_t kMostNames = 10;

/// Those that are called nearly so first.
std::string other_names(const std::vector<NamespaceStats>& all, const std::string& name) {
  std::vector<std::tuple<std::size_t, std::string, std::string>> ranked;
  for (const NamespaceStats& other : all) ranked.emplace_back(edit_distance(name, other.name), other.name, other.release);
  const std::size_t shown = std::min(ranked.size(), kMostNames);
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(shown), ranked.end());
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + namespace_text(std::get<1>(ranked[i]), std::get<2>(ranked[i]));
  if (ranked.size() > shown) text += fmt::format(" and {} more", ranked.size() - shown);
  return text;
}

[[noreturn]] void fail_no_namespace(const std::vector<NamespaceStats>& all, const std::string& segment, const NamespaceArgument& argument) {
  const std::string missing =
      fmt::format("there is no namespace {} in segment \"{}\"", namespace_text(*argument.name, argument.release), segment);
  throw Failure(kMissing, all.empty()
                              ? missing + "; it has none"
                              : fmt::format("{}; there is {} (carafe namespaces {})", missing, other_names(all, *argument.name), segment));
}

/// Others are refused by Cache::in, with a message that says why.
bool may_be_a_name(const NamespaceArgument& argument) {
  return !argument.name->empty() && argument.name->size() <= kMaxNamespaceBytes && argument.release.size() <= kMaxReleaseBytes;
}

}  // namespace

CLI::Option* add_namespace(CLI::App& verb, NamespaceArgument& typed) {
  CLI::Option* name = add_text(verb, "--namespace", typed.name, "The keys of this namespace, rather than of none")->type_name("NAME");
  add_text(verb, "--release", typed.release, "The namespace's release; default: the namespace of that name without one")
      ->type_name("R")
      ->needs(name);
  return name;
}

NamespaceArgument namespace_of(const NamespaceArgument& typed, bool escaped) {
  NamespaceArgument argument{typed.name, bytes_of(typed.release, escaped, "--release")};
  if (argument.name) argument.name = bytes_of(*argument.name, escaped, "--namespace");
  return argument;
}

std::optional<Namespace> find_namespace(Cache& cache, const std::string& segment, const NamespaceArgument& argument) {
  if (argument.name && may_be_a_name(argument)) {
    const std::vector<NamespaceStats> all = cache.namespaces();
    const auto is_it = [&](const NamespaceStats& found) { return found.name == *argument.name && found.release == argument.release; };
    if (std::none_of(all.begin(), all.end(), is_it)) fail_no_namespace(all, segment, argument);
  }
  return find_or_make_namespace(cache, argument);
}

std::optional<Namespace> find_or_make_namespace(Cache& cache, const NamespaceArgument& argument) {
  if (!argument.name) return std::nullopt;
  return cache.in(*argument.name, {.release = argument.release});
}

std::string namespace_text(std::string_view name, std::string_view release) {
  return release.empty() ? fmt::format("\"{}\"", escape(name)) : fmt::format("\"{}\" of release \"{}\"", escape(name), escape(release));
}

std::string where_text(const std::string& segment, const NamespaceArgument& argument) {
  const std::string where = fmt::format("segment \"{}\"", segment);
  return argument.name ? fmt::format("namespace {} in {}", namespace_text(*argument.name, argument.release), where) : where;
}

void set_namespace(Json& object, const NamespaceArgument& argument) {
  if (!argument.name) return;
  set_bytes(object, "namespace", *argument.name);
  set_bytes(object, "release", argument.release);
}

}  // namespace carafe::tool
