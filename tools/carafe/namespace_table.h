// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "carafe/stats.h"
#include "context.h"
#include "output.h"

/// How namespaces are shown, by every verb that shows some.
namespace carafe::tool {

/// What --sort takes. Numbers: the largest first, and the names where they are equal.
inline constexpr const char* kNamespaceOrders[] = {"gets", "hits", "misses", "bytes", "name"};
void sort_namespaces(std::vector<NamespaceStats>& namespaces, const std::string& order);

/// The `limit` first ones. With `seconds` they hold what happened within these, and are shown as rates.
void print_namespaces(const Context& context, const std::vector<NamespaceStats>& namespaces, std::uint64_t limit, double seconds = 0);
[[nodiscard]] Json namespaces_json(const std::vector<NamespaceStats>& namespaces, std::uint64_t limit);

}  // namespace carafe::tool
