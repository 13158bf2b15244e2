// SPDX-License-Identifier: MIT
#pragma once

/// Everything carafe promises to its users: one include.
#include "carafe/cache.h"
#include "carafe/keyspace.h"
#include "carafe/load.h"
#include "carafe/named_mutex.h"
#include "carafe/namespace.h"
#include "carafe/options.h"
#include "carafe/stats.h"
#include "carafe/status.h"
#include "carafe/tags.h"
#include "carafe/version.h"
#include "carafe/warm_once.h"
