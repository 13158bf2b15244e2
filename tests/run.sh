#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The test command: everything, on a fresh Debian 12, as root or with sudo. Writes only below build/.
#
#   bash tests/run.sh                     all parts; about a quarter of an hour on two cores
#   bash tests/run.sh --only gcc          one part (may be repeated); see --list
#   bash tests/run.sh --only gcc -R slab  ... and what follows goes to ctest
#   bash tests/run.sh --fix               put the format right instead of complaining
#   CARAFE_TEST_SHORT=1 bash tests/run.sh format, floors and gcc, with fewer repetitions; a few minutes
#
# Parts: format  clang-format-14 finds nothing to change
#        floors  who may include whom
#        gcc     release with warnings as errors; every test, the models, the installed package
#        clang   the same build with clang 14; the short tests
#        asan    tests under AddressSanitizer and UndefinedBehaviorSanitizer
#        tsan    the tests of one process under ThreadSanitizer
#        bench   every benchmark, briefly: that it runs, not how fast
#        fuzz    every fuzz target for some seconds, with libFuzzer
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

all_parts=(format floors gcc clang asan tsan bench fuzz)
parts=()
ctest_arguments=()
fix=no
while [ $# -gt 0 ]; do
  case $1 in
    --only)
      if [[ " ${all_parts[*]} " != *" ${2:-} "* ]]; then
        echo "run.sh: --only one of: ${all_parts[*]}" >&2
        exit 2
      fi
      parts+=("$2")
      shift
      ;;
    --list)
      printf '%s\n' "${all_parts[@]}"
      exit 0
      ;;
    --fix) fix=yes ;;
    -h | --help)
      sed -n '3,19s/^# \{0,1\}//p' tests/run.sh
      exit 0
      ;;
    *)
      ctest_arguments=("$@")
      break
      ;;
  esac
  shift
done
if [ ${#parts[@]} -eq 0 ]; then
  parts=("${all_parts[@]}")
  [ "${CARAFE_TEST_SHORT:-0}" = 1 ] && parts=(format floors gcc)
  [ $fix = yes ] && parts=(format)
fi

bash .ci/install-deps --all || exit 1

jobs=$(nproc)
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_SLOPPINESS=pch_defines,time_macros
fi
mkdir -p build
summaries=build/summaries.txt
: >"$summaries"

our_files() {
  find include lib tools tests bench examples -type f \( -name '*.h' -o -name '*.cc' \) -print0
}

# build PRESET [cmake option...]: configures and builds build/PRESET
build() {
  local preset=$1
  shift
  cmake --preset "$preset" "${launcher[@]}" "$@" >"build/$preset-configure.log" 2>&1 || {
    cat "build/$preset-configure.log"
    return 1
  }
  cmake --build --preset "$preset" -j "$jobs"
}

# check PRESET [ctest option...]: runs the tests of build/PRESET and notes ctest's summary
check() {
  local preset=$1 log=build/$1-ctest.log status
  shift
  "${without_aslr[@]}" ctest --preset "$preset" -j "$jobs" "$@" "${ctest_arguments[@]}" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  grep -E '^[0-9]+% tests passed' "$log" | sed "s/$/   ($preset)/" >>"$summaries"
  return "$status"
}
without_aslr=()

part_format() {
  if [ $fix = yes ]; then
    our_files | xargs -0 clang-format-14 -i
  else
    our_files | xargs -0 clang-format-14 --dry-run -Werror
  fi
}

part_floors() { python3 tests/floors.py; }

# The property test runs its full ten million operations here, and fewer where everything is slower.
part_gcc() { build gcc && CARAFE_PROPERTY_OPS=${CARAFE_PROPERTY_OPS:-10000000} check gcc; }

part_clang() { build clang && CARAFE_PROPERTY_OPS=500000 CARAFE_TEST_SHORT=1 check clang; }

part_asan() {
  build asan && CARAFE_PROPERTY_OPS=200000 CARAFE_TEST_SHORT=1 UBSAN_OPTIONS=print_stacktrace=1 check asan
}

part_tsan() {
  # Where the kernel spreads mappings wider than gcc 12's runtime knows, it only starts without randomised addresses.
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    local without_aslr=(setarch "$(uname -m)" -R)
  fi
  build tsan && CARAFE_TEST_SHORT=1 TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 ${TSAN_OPTIONS:-}" check tsan
}

# One program: that it runs to its end, and that no figure was voided.
bench_briefly() {
  local log
  log=build/$(basename "$1").log
  CARAFE_TEST_SHORT=1 timeout 300 "$1" --benchmark_min_time=0.01 >"$log" 2>&1 && ! grep -q 'ERROR OCCURRED' "$log" && echo "$1" && return
  tail -n 50 "$log"
  echo "failed: $1"
  return 1
}
export -f bench_briefly

part_bench() {
  build gcc || return 1
  find build/gcc/bench -maxdepth 1 -type f -executable -name 'bench_*' -print0 | sort -z | xargs -0 -n 1 -P "$jobs" bash -c 'bench_briefly "$1"' _
}

# One target, from its committed corpus. The first folder receives new inputs; the others are only read.
fuzz_briefly() {
  local name=$1
  set -- "build/fuzz/found/$name"
  mkdir -p "$1"
  [ -d "tests/fuzz/corpus/$name" ] && set -- "$@" "tests/fuzz/corpus/$name"
  "build/fuzz/tests/$name" -max_total_time=10 -timeout=20 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" "$@" >"build/$name.log" 2>&1 || {
    tail -n 60 "build/$name.log"
    return 1
  }
  echo "$name: $(grep -E 'number_of_executed_units' "build/$name.log")"
}
export -f fuzz_briefly

part_fuzz() {
  build fuzz || return 1
  printf '%s\0' tests/fuzz/*_fuzz.cc | xargs -0 -n 1 -P "$jobs" bash -c 'fuzz_briefly "$(basename "$1" .cc)"' _
}

failed=()
times=()
for part in "${parts[@]}"; do
  printf '\n=== %s\n' "$part"
  begin=$SECONDS
  "part_$part"
  status=$?
  took=$((SECONDS - begin))
  if [ $status -eq 0 ]; then
    times+=("$(printf '%-7s %5d s   ok' "$part" $took)")
  else
    failed+=("$part")
    times+=("$(printf '%-7s %5d s   FAILED' "$part" $took)")
  fi
done

printf '\n=== summary (%d s)\n' "$SECONDS"
printf '%s\n' "${times[@]}"
# gcc's last: it is the one with every test.
grep -v '(gcc)$' "$summaries"
if [ ${#failed[@]} -gt 0 ]; then
  grep '(gcc)$' "$summaries"
  echo "FAILED: ${failed[*]}"
  exit 1
fi
sed -n 's/ *(gcc)$//p' "$summaries"
exit 0
