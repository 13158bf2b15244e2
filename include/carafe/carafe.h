// SPDX-License-Identifier: MIT
#pragma once

/// Everything carafe promises to its users: one include.
#include "carafe/any_store.h"
#include "carafe/cache.h"
#include "carafe/codec.h"
#include "carafe/file_store.h"
#include "carafe/keyspace.h"
#include "carafe/load.h"
#include "carafe/memoize.h"
#include "carafe/memory_store.h"
#include "carafe/named_mutex.h"
#include "carafe/namespace.h"
#include "carafe/options.h"
#include "carafe/stats.h"
#include "carafe/status.h"
#include "carafe/store.h"
#include "carafe/tags.h"
#include "carafe/version.h"
#include "carafe/warm_once.h"
