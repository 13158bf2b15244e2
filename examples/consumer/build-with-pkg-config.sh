#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: build-with-pkg-config.sh [OUTPUT]    builds main.cc against an installed carafe that pkg-config can find (set PKG_CONFIG_PATH).
set -eu
here=$(dirname "$0")
# shellcheck disable=SC2046  # pkg-config answers several words
exec ${CXX:-c++} -std=c++20 -O2 "$here/main.cc" -o "${1:-consumer}" $(pkg-config --cflags --libs carafe)
