// SPDX-License-Identifier: MIT
#pragma once

#include "context.h"

/// One function per verb: adds it to the command line, and sets context.run when it was the one asked for. One file each: cmd_*.cc.
namespace carafe::tool {

// Verbs that look: read-only, not one byte changed, no worker stopped.
void add_ls(CLI::App& app, Context& context);
void add_stat(CLI::App& app, Context& context);
void add_slabs(CLI::App& app, Context& context);
void add_workers(CLI::App& app, Context& context);
void add_namespaces(CLI::App& app, Context& context);
void add_keys(CLI::App& app, Context& context);
void add_get(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);

// Verbs that write, through the public Cache like any worker.
void add_set(CLI::App& app, Context& context);
void add_del(CLI::App& app, Context& context);
void add_clear(CLI::App& app, Context& context);
void add_prune(CLI::App& app, Context& context);
void add_create(CLI::App& app, Context& context);
void add_rm(CLI::App& app, Context& context);
void add_hold(CLI::App& app, Context& context);

// Neither.
void add_layout(CLI::App& app, Context& context);

}  // namespace carafe::tool
