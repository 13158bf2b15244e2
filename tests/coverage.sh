#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Branch coverage of lib/ and include/ from the tests, by gcovr (apt-get install gcovr). Not part of tests/run.sh: about ten minutes.
#
#   bash tests/coverage.sh              a line per file, and the sum; details in build/coverage/report/index.html
#   bash tests/coverage.sh -R api_      what follows goes to ctest
#
# A process that is killed reports nothing, so what only victims do counts as not covered. Tests that count instructions are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v gcovr >/dev/null || {
  echo "coverage.sh: gcovr is missing: apt-get install gcovr" >&2
  exit 2
}

build=build/coverage
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCARAFE_TEST_PCH=ON -DCARAFE_WERROR=OFF -DCARAFE_BUILD_TOOLS=OFF -DCMAKE_UNITY_BUILD=ON \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1 --coverage -fprofile-update=atomic -fno-inline" >$build.log
cmake --build $build -j "$(nproc)" >>$build.log
find $build -name '*.gcda' -delete
CARAFE_TEST_SHORT=1 CARAFE_PROPERTY_OPS=500000 ctest --test-dir $build -j "$(nproc)" -E 'every_instruction|every_switch|storm_storm|models|weak_memory|package|headers|floors|raw_access' "$@" || echo "coverage.sh: some tests failed; what they reached counts all the same"
mkdir -p $build/report
gcovr --root . --filter 'lib/' --filter 'include/' --object-directory $build --exclude-throw-branches --exclude-unreachable-branches \
  --branches --html-details $build/report/index.html --txt - $build
