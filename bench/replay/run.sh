#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
bench/replay/run.sh [options]: how many misses does carafe save? Real carafe over real traces, cell by cell, beside LRU and FIFO.

Prints every cell, the means, the worst, and whether each promise is kept; ends with 0 when all are, 1 when one is not. Needs the traces
(targets.csv with them); without them it says so and ends with 0.

  --traces DIR   folder of the traces (default: $CARAFE_TRACES, else ../shared/traces beside the repository)
  --tool PATH    a built carafe-replay (default: builds the release preset)
  --only PART    one part (may be repeated): policies uniform sized ttl processes
  --quick        a few cells of each part; a minute
  --rounds N     replay each cell N times and take the mean (default 1; segments have random seeds, so cells vary by 0.1 points or so)
  --keep FILE    write all figures there as JSON
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
traces=${CARAFE_TRACES:-$root/../shared/traces}
tool=''
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --traces) traces=${2:?--traces DIR}; shift ;;
    --tool) tool=${2:?--tool PATH}; shift ;;
    --only | --rounds | --keep) arguments+=("$1" "${2:?$1 needs a value}"); shift ;;
    --quick) arguments+=(--quick) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

if [ ! -f "$traces/targets.csv" ]; then
  echo "bench/replay: skipped, no traces in $traces; say where they are with --traces DIR or CARAFE_TRACES"
  exit 0
fi
if [ -z "$tool" ]; then
  cmake -S "$root" --preset release >/dev/null
  cmake --build "$root/build/release" --target carafe_replay >/dev/null
  tool=$root/build/release/bin/carafe-replay
fi
exec python3 "$root/bench/replay/evaluate.py" --traces "$traces" --tool "$tool" "${arguments[@]}"
