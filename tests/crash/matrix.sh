#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Kills at every instruction of what each compiler makes of each operation: g++ and clang++-14, -O2 and -O3. The order of stores is theirs.
#
#   bash tests/crash/matrix.sh                        all four, after every store and system call, so every state: three minutes each
#   CARAFE_CRASH_FULL=1 bash tests/crash/matrix.sh    without leaving out an instruction: half an hour or more each
#   CARAFE_TEST_SHORT=1 bash tests/crash/matrix.sh    the short form of ctest
#   bash tests/crash/matrix.sh clang++-14/-O3 ...     only these
#
# Builds in build/crash-<compiler><level>/, where crash.log says more. What CARAFE_CRASH_SEED and GTEST_FILTER say is passed on.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

all=(g++/-O2 g++/-O3 clang++-14/-O2 clang++-14/-O3)
configurations=("$@")
[ ${#configurations[@]} -eq 0 ] && configurations=("${all[@]}")
[ "${CARAFE_TEST_SHORT:-0}" = 1 ] || export CARAFE_CRASH_FULL="${CARAFE_CRASH_FULL:-2}"
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

failed=0
rows=()
for configuration in "${configurations[@]}"; do
  if [[ " ${all[*]} " != *" $configuration "* ]]; then
    echo "matrix.sh: one of: ${all[*]}" >&2
    exit 2
  fi
  compiler=${configuration%%/*}
  level=${configuration##*/}
  folder=build/crash-$compiler$level
  mkdir -p "$folder"
  echo "=== $compiler $level"
  if ! command -v "$compiler" >/dev/null; then
    rows+=("$(printf '%-11s %-4s  this machine has no %s' "$compiler" "$level" "$compiler")")
    failed=1
    continue
  fi
  begin=$SECONDS
  if ! cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" "${launcher[@]}" \
    -DCMAKE_CXX_FLAGS_RELEASE="$level -DNDEBUG" -DCARAFE_BUILD_TOOLS=OFF -DCARAFE_WERROR=OFF >"$folder/build.log" 2>&1 ||
    ! cmake --build "$folder" --target crash_every_instruction_test -j "${JOBS:-$(nproc)}" >>"$folder/build.log" 2>&1; then
    tail -n 30 "$folder/build.log"
    rows+=("$(printf '%-11s %-4s  did not build' "$compiler" "$level")")
    failed=1
    continue
  fi
  built=$SECONDS
  "$folder/tests/crash_every_instruction_test" >"$folder/crash.log" 2>&1
  status=$?
  # in all: 71 scenarios, 1234 instructions, 567 kills, 89 states, 0 violations
  total=$(grep '^in all: ' "$folder/crash.log" | tr -dc '0-9 ')
  read -r scenarios instructions kills states violations <<<"${total:-0 0 0 0 0}"
  [ $status -ne 0 ] && grep -A 12 'Failure' "$folder/crash.log" | head -n 60
  { [ $status -ne 0 ] || [ "$kills" -eq 0 ]; } && failed=1
  rows+=("$(printf '%-11s %-4s %9d %12d %8d %7d %10d   %-6s %5d s' "$compiler" "$level" "$scenarios" "$instructions" "$kills" "$states" \
    "$violations" "$([ $status -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - built)))")
  echo "built in $((built - begin)) s, ran for $((SECONDS - built)) s"
done

printf '\n%-11s %-4s %9s %12s %8s %7s %10s\n' compiler level scenarios instructions kills states violations
printf '%s\n' "${rows[@]}"
exit $failed
