// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "carafe/cache.h"
#include "context.h"
#include "output.h"

/// --namespace NAME [--release R]: which keys of a segment a verb is about.
namespace carafe::tool {

/// Without a name: the keys of no namespace.
struct NamespaceArgument {
  std::optional<std::string> name;
  std::string release;
};

CLI::Option* add_namespace(CLI::App& verb, NamespaceArgument& typed);
/// The bytes that were typed: as they are, or with --escaped as carafe prints them.
[[nodiscard]] NamespaceArgument namespace_of(const NamespaceArgument& typed, bool escaped);

/// The one that was named, if any. Throws Failure (3) with the names of others where there is none: who looks, or takes away, makes none.
[[nodiscard]] std::optional<Namespace> find_namespace(Cache& cache, const std::string& segment, const NamespaceArgument& argument);
/// The same, but makes it where there is none.
[[nodiscard]] std::optional<Namespace> find_or_make_namespace(Cache& cache, const NamespaceArgument& argument);
[[nodiscard]] inline Keyspace& keys_of(Cache& cache, std::optional<Namespace>& found) {
  return found ? static_cast<Keyspace&>(*found) : cache;
}

/// "products" of release "v42", escaped.
[[nodiscard]] std::string namespace_text(std::string_view name, std::string_view release);
/// namespace "products" in segment "shop", or segment "shop".
[[nodiscard]] std::string where_text(const std::string& segment, const NamespaceArgument& argument);
/// Fields `namespace` and `release`, if one was named.
void set_namespace(Json& object, const NamespaceArgument& argument);

}  // namespace carafe::tool
