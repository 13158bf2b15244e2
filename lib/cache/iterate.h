// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string_view>

#include "cache/engine.h"
#include "cache/namespace_id.h"

namespace carafe {

/// Visits every live item of a namespace, stripe by stripe, without a lock: the keys of a stripe are collected under its versions, then
/// each is read like any other. An item present throughout is seen exactly once. Stops when the visitor answers false.
void visit_items(const Engine& engine, const Worker& me, NamespaceId space,
                 const std::function<bool(std::string_view key, std::string_view value)>& visitor);

}  // namespace carafe
