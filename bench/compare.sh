#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
bench/compare.sh [options] A [B]: is B faster than A?

Builds both commits in worktrees under build/compare, runs their benchmarks interleaved (A B, B A, A B, ...) and prints medians and ratios
with a confidence interval. With A alone: carafe beside its peers. "." is the working tree as it stands. A against A shows the noise.

  -r ROUNDS   rounds (default 7; fewer than 5 say little)
  -f REGEX    only benchmarks whose name matches (default: uniform and Zipf at 100 bytes, and memory)
  -b NAMES    programs (default: "bench_get bench_set bench_mixed bench_batch bench_processes"; bench_memory too with A alone)
  -t SECONDS  least time of each benchmark in each round (default 0.5)
  -o DIR      keep the JSON files here (default build/compare/results)
END
}

rounds=7
filter='value_bytes:100/|BM_Memory'
programs='bench_get bench_set bench_mixed bench_batch bench_processes'
min_time=0.5
results=''
while getopts 'r:f:b:t:o:h' option; do
  case $option in
    r) rounds=$OPTARG ;;
    f) filter=$OPTARG ;;
    b) programs=$OPTARG ;;
    t) min_time=$OPTARG ;;
    o) results=$OPTARG ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [[ $# -lt 1 || $# -gt 2 ]]; then
  usage >&2
  exit 2
fi

root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
place=$root/build/compare
results=${results:-$place/results}
mkdir -p "$place" "$results"
results=$(cd "$results" && pwd)

# Where the sources of a commit are; "." is the working tree.
sources_of() {
  if [[ $1 == . ]]; then
    echo "$root"
    return
  fi
  local commit
  commit=$(git -C "$root" rev-parse --short=12 --verify "$1^{commit}")
  if [[ ! -e $place/$commit/.git ]]; then
    git -C "$root" worktree prune
    git -C "$root" worktree add --quiet --detach "$place/$commit" "$commit"
  fi
  echo "$place/$commit"
}

build() {  # name, sources
  local generator=()
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  cmake -S "$2" -B "$place/build-$1" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DCARAFE_BUILD_BENCHMARKS=ON -DCARAFE_BUILD_TOOLS=OFF \
    -DCARAFE_BUILD_EXAMPLES=OFF -DBUILD_TESTING=OFF >"$place/build-$1.log"
  # shellcheck disable=SC2086
  cmake --build "$place/build-$1" --target $programs >>"$place/build-$1.log"
}

# The programs sit in bench/ of the build folder.
run() {  # label, folder, round
  local program
  for program in $programs; do
    if ! "$place/build-$2/bench/$program" --benchmark_filter="$filter" --benchmark_min_time="$min_time" \
      --benchmark_out="$results/$1.$program.$3.json" --benchmark_out_format=json >/dev/null 2>"$results/$1.$program.$3.err"; then
      echo "compare.sh: $program of $1 failed; see $results/$1.$program.$3.err" >&2
      exit 1
    fi
    # A filter may leave nothing of a program: an empty file then.
    [[ -s $results/$1.$program.$3.json ]] || rm -f "$results/$1.$program.$3.json"
  done
}

[[ $# -eq 2 ]] || programs="$programs bench_memory"
labels=() folders=()
for commit in "$@"; do
  sources=$(sources_of "$commit")
  if [[ $commit == . ]]; then name=working-tree; else name=$(basename "$sources"); fi
  label=$name
  [[ ${#labels[@]} -eq 0 || ${labels[0]} != "$label" ]] || label=$name-again
  echo "compare.sh: building $name" >&2
  build "$name" "$sources"
  labels+=("$label")
  folders+=("$name")
  rm -f "$results/$label".*.json "$results/$label".*.err
done

for ((round = 1; round <= rounds; ++round)); do
  echo "compare.sh: round $round of $rounds, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  order=("${!labels[@]}")
  if [[ $((round % 2)) -eq 0 && $# -eq 2 ]]; then order=(1 0); fi
  for i in "${order[@]}"; do run "${labels[i]}" "${folders[i]}" "$round"; done
done

if [[ $# -eq 2 ]]; then
  python3 "$root/bench/support/figures.py" pair "$results" "${labels[@]}"
else
  python3 "$root/bench/support/figures.py" peers "$results" "${labels[0]}"
fi
