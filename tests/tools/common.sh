#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the tests of the tool share. Each of them is `bash tests/tools/NAME.sh PATH_OF_CARAFE`, sources this, and ends with `finish`.
# Run by itself, this only sees whether the tool starts.
#
# Segments are called $segment..., unique for this process, and are gone when the script ends, however it ends.

carafe=$(realpath "${1:?usage: bash ${BASH_SOURCE[-1]} PATH_OF_CARAFE}")
[[ -x $carafe ]] || { echo "not executable: $carafe" >&2; exit 1; }
unset NO_COLOR
export LC_ALL=C

segment=tooltest-$$
folder=$(mktemp -d)
failures=0

cleanup() {
  local pid
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done  # jobs that ended are not among them: their pids may be others' by now
  rm -f /dev/shm/carafe."$segment"*
  rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 129' HUP INT TERM

# fail WHAT...: notes a failure, with the line of the test that saw it.
fail() {
  failures=$((failures + 1))
  echo "FAILED ${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]}: $*" >&2
}

# run COMMAND...: runs it; leaves $code, $out and $err (and the exact bytes in $folder/out).
run() {
  code=0
  "$@" >"$folder/out" 2>"$folder/err" || code=$?
  out=$(tr -d '\0' <"$folder/out")
  err=$(tr -d '\0' <"$folder/err")
}

# expect CODE COMMAND...: runs it, and fails unless it ends with CODE. An error has to say "carafe: " and something.
expect() {
  local wanted=$1
  shift
  run "$@" </dev/null
  [[ $code == "$wanted" ]] || fail "exit code $code instead of $wanted of: ${*@Q}: $err"
  [[ $wanted == 0 || $err == "carafe: "* ]] || fail "no message on standard error of: ${*@Q}: \"$err\""
}

# equal WHAT FOUND WANTED
equal() { [[ $2 == "$3" ]] || fail "$1 is \"$2\" instead of \"$3\""; }
# matches WHAT FOUND REGEX
matches() { [[ $2 =~ $3 ]] || fail "$1 is \"$2\", which does not match \"$3\""; }
# contains WHAT FOUND TEXT
contains() { [[ $2 == *"$3"* ]] || fail "$1 is \"$2\", which has no \"$3\" in it"; }

# json EXPRESSION: evaluates a Python expression over the last output, parsed as strict JSON into `o`; prints the result.
json() {
  python3 -c 'import json, sys
def no(constant): raise ValueError(constant + " is no JSON")
o = json.loads(open(sys.argv[1], "rb").read().decode("utf-8"), parse_constant=no)
print(eval(sys.argv[2]))' "$folder/out" "$1" || fail "not JSON, or without what was asked for ($1): $out"
}

# create NAME [OPTION...]: a segment of 4 MiB.
create() {
  local name=$1
  shift
  run "$carafe" create "$name" --size 4M -q "$@"
  [[ $code == 0 ]] || { fail "cannot create $name: $err"; finish; }
}

# hold NAME: a live worker of it, in the background, until the end or `release`.
hold() {
  mkfifo "$folder/holding.$1"
  "$carafe" hold "$1" 100 >"$folder/holding.$1" &
  holder=$!
  local line=
  read -r -t 20 line <"$folder/holding.$1" || fail "hold did not start"
  rm -f "$folder/holding.$1"
}

# release [SIGNAL]: ends the last hold.
release() {
  kill "${1:--TERM}" "$holder"
  wait "$holder" 2>/dev/null
}

# as_nobody COMMAND...: without any rights; only for root (`is_root`). The tool is copied to where nobody may reach it.
is_root() { [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }
carafe_for_nobody() {
  chmod 755 "$folder"
  cp "$carafe" "$folder/carafe"
  chmod 755 "$folder/carafe"
}

# on_terminal INPUT COMMAND: runs a shell command with a terminal for all three; what it wrote is in $out, its end in $code.
on_terminal() {
  code=0
  out=$(printf '%s' "$1" | TERM=xterm timeout 20 script -qec "$2" /dev/null) || code=$?
  out=${out//$'\r'/}
}

finish() {
  if ((failures != 0)); then
    echo "$failures check(s) failed" >&2
    exit 1
  fi
  exit 0
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  expect 0 "$carafe" --version
  finish
fi
