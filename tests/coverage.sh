#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Branch coverage of lib/ and include/ from the tests. Not part of tests/run.sh: about ten minutes. Needs clang-14 and llvm-14 (apt-get install llvm-14).
#
#   bash tests/coverage.sh              a line per file, and the sum; line by line in build/coverage/report.txt
#   bash tests/coverage.sh -R api_      what follows goes to ctest
#
# By clang, which counts the conditions of the source (gcov counts the jumps that a compiler made of it, those of exceptions among them) and keeps the
# counts in a shared mapping: so forked children, and those that are killed, count too.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang++-14 llvm-profdata-14 llvm-cov-14; do
  command -v $tool >/dev/null || {
    echo "coverage.sh: $tool is missing: apt-get install clang-14 llvm-14" >&2
    exit 2
  }
done

build=build/coverage
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++-14 -DCARAFE_TEST_PCH=ON -DCARAFE_WERROR=OFF -DCARAFE_BUILD_TOOLS=OFF \
  -DCMAKE_UNITY_BUILD=ON \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1 -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation" >$build.log
cmake --build $build -j "$(nproc)" >>$build.log
rm -rf $build/counts
LLVM_PROFILE_FILE="$PWD/$build/counts/%p-%h%c.profraw" CARAFE_TEST_SHORT=1 CARAFE_PROPERTY_OPS=500000 ctest --test-dir $build -j "$(nproc)" \
  -E 'every_instruction|models|weak_memory|package|headers|floors|raw_access' "$@" ||
  echo "coverage.sh: some tests failed; what they reached counts all the same"
# What only damaged bytes reach.
export LLVM_PROFILE_FILE="$PWD/$build/counts/%p-%h%c.profraw"
$build/tests/image_fuzz --random 20000 1
CARAFE_FUZZ_SCRIBBLE=1 $build/tests/image_fuzz --random 10000 2

find $build/counts -name '*.profraw' >$build/counts.txt
llvm-profdata-14 merge --failure-mode=all -f $build/counts.txt -o $build/counts.profdata
objects=()
for test in $build/tests/*_test; do objects+=(-object "$test"); done
llvm-cov-14 show "${objects[@]:1}" -instr-profile=$build/counts.profdata -show-branches=count lib include >$build/report.txt
llvm-cov-14 report "${objects[@]:1}" -instr-profile=$build/counts.profdata -show-branch-summary -show-region-summary=false lib include
