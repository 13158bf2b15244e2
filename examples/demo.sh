#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One command that shows what carafe is for: builds it, starts an HTTP server of four processes over a real database, and drives
# it without the cache and with it, while a worker is killed and the cache is cleared. Every figure it prints was measured just then.
#
#   bash examples/demo.sh
#
# Installs the packages it needs (.ci/install-deps --demo; as root or with sudo). Works in build/demo, listens on 127.0.0.1 only, and
# ends its processes and removes its segment, however it ends. Fails when a request fails, nothing was a hit, the killed worker was not
# replaced, or the cache is not sound afterwards.
#
#   DEMO_SECONDS=20   how long each of the two loads lasts; 4 at least
set -euo pipefail
export LC_ALL=C

cd "$(dirname "$0")/.."
build=build/demo
carafe=$build/bin/carafe
database=$build/products.sqlite
seconds=${DEMO_SECONDS:-20}
products=100000
connections=16
worker_count=4
capacity_mib=48  # about half of all pages; and it fits into the 64 MiB of /dev/shm that containers often have
segment=carafe-demo-$$

if ! [[ $seconds =~ ^[0-9]+$ ]] || [ "$seconds" -lt 4 ]; then
  echo "demo: DEMO_SECONDS is a whole number from 4 on, not '$seconds'" >&2
  exit 2
fi
# Looks at the server once per tick, in microseconds.
tick=1000000
if [ "$seconds" -lt 10 ]; then tick=500000; fi
ticks=$((seconds * 1000000 / tick))

scratch=$(mktemp -d)
server='' wrk=''

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$wrk" ]; then kill "$wrk" 2>/dev/null || true; fi
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    for _ in {1..70}; do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$server" 2>/dev/null || true  # its workers end when it does
  fi
  if [ -x "$carafe" ]; then "$carafe" rm --yes "$segment" >/dev/null 2>&1 || true; fi
  rm -rf "$scratch"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
indented() { sed 's/^/    /'; }
fail() {
  echo "demo: $*" >&2
  if [ -s "$scratch/server.log" ]; then tail -n 20 "$scratch/server.log" | indented >&2; fi
  exit 1
}

now() { echo "${EPOCHREALTIME/./}"; }  # microseconds
grouped() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; }
percent() { if [ "$2" -gt 0 ]; then printf '%d.%d %%' $(($1 * 100 / $2)) $(($1 * 1000 / $2 % 10)); else echo -; fi; }
# fields JSON PATH...: the values, in one line.
fields() {
  local json=${1//\'/\'\'} paths
  shift
  paths=$(printf ", '\$.%s'" "$@")
  sqlite3 :memory: "SELECT group_concat(ifnull(value, 0), ' ') FROM json_each(json_extract('$json'$paths))"
}

# --- Building ---------------------------------------------------------------------------------------------------------------------------

quietly() {
  "$@" >"$scratch/output" 2>&1 && return
  tail -n 40 "$scratch/output" >&2
  fail "failed: $*"
}

say "Building a release into $build"
.ci/install-deps --demo
quietly cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCARAFE_BUILD_EXAMPLES=ON
# A minute or more: on a terminal ninja tells how far it is.
if [ -t 1 ]; then
  cmake --build "$build" --target prefork_server carafe_tool || fail 'the build failed'
else
  quietly cmake --build "$build" --target prefork_server carafe_tool
fi
quietly bash examples/make_products.sh "$database"
echo "$database has $(grouped "$(sqlite3 "$database" 'SELECT count(*) FROM product')") products with" \
  "$(grouped "$(sqlite3 "$database" 'SELECT count(*) FROM review')") reviews, $(($(stat -c %s "$database") / 1000000)) MB"

# --- The server and its load ------------------------------------------------------------------------------------------------------------

start_server() {
  "$build/bin/prefork_server" --database "$database" --workers "$worker_count" --threads $((connections * 2)) \
    --segment "$segment" --capacity "$capacity_mib" "$@" >"$scratch/server.log" 2>&1 &
  server=$!
  url=''
  for _ in {1..100}; do
    url=$(sed -n 's/^listening on \(http[^,]*\),.*/\1/p' "$scratch/server.log")
    if [ -n "$url" ] && curl -sf --max-time 2 -o "$scratch/health" "$url/health"; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  fail "the server does not answer"
}

stop_server() {
  local status=0
  kill "$server"
  wait "$server" || status=$?
  server=''
  [ "$status" -eq 0 ] || fail "the server ended with status $status"
}

server_stats() {
  curl -sf --max-time 5 --retry 3 --retry-all-errors --retry-delay 0 "$url/stats" || fail "no answer to $url/stats"
}

# What one tick saw; the arrays keep what the summary needs.
rates=() hit_rates=()
last_requests=0 last_gets=0 last_hits=0 last_time=0 restarts=0

look() {
  local time requests gets=0 hits=0 items=0 evictions=0 of_json
  of_json=$(server_stats)
  time=$(now)
  read -r requests restarts <<<"$(fields "$of_json" requests restarts)"
  if [ "$with_cache" = yes ]; then
    of_json=$("$carafe" stat --json "$segment")  # from outside: the server does not notice
    read -r gets hits items evictions <<<"$(fields "$of_json" gets hits items evictions)"
  fi
  if [ "$last_time" -gt 0 ]; then
    rates+=($(((requests - last_requests) * 1000000 / (time - last_time))))
    hit_rates+=($((gets > last_gets ? (hits - last_hits) * 1000 / (gets - last_gets) : 0)))
    if [ "$with_cache" = yes ]; then
      printf '%6s %12s %10s %10s %10s %9s\n' "$(tenths $((${#rates[@]} * tick / 100000)))" "$(grouped "${rates[-1]}")" \
        "$(tenths "${hit_rates[-1]}") %" "$(grouped "$items")" "$(grouped "$evictions")" "$restarts"
    elif [ $((${#rates[@]} * tick % 5000000)) -eq 0 ]; then
      printf '%6s %12s\n' "$(tenths $((${#rates[@]} * tick / 100000)))" "$(grouped "${rates[-1]}")"
    fi
  fi
  last_requests=$requests last_gets=$gets last_hits=$hits last_time=$time
}
tenths() { echo "$(($1 / 10)).$(($1 % 10))"; }
header() {
  if [ "$with_cache" = yes ]; then
    printf '%6s %12s %10s %10s %10s %9s\n' second requests/s 'hit rate' items evictions restarts
  else
    printf '%6s %12s\n' second requests/s
  fi
}

# Runs wrk, looks once per tick, and calls `event TICK` after each look. Leaves wrk's findings in requests ... timeouts.
drive() {
  rates=() hit_rates=() last_time=0
  local begin pause
  header
  look
  wrk --threads 2 --connections "$connections" --duration "$seconds" --timeout 10s --script examples/prefork/zipf.lua "$url" \
    -- "$products" >"$scratch/wrk.log" 2>&1 &
  wrk=$!
  begin=$(now)
  for ((i = 1; i <= ticks; ++i)); do
    pause=$((begin + i * tick - $(now)))
    if [ "$pause" -gt 0 ]; then sleep "$((pause / 1000000)).$(printf %06d $((pause % 1000000)))"; fi
    look
    event "$i"
  done
  wait "$wrk" || fail "wrk: $(tail -n 5 "$scratch/wrk.log")"
  wrk=''
  read -r requests duration p50 p99 failures resets timeouts <<<"$(sed -n 's/^result //p' "$scratch/wrk.log")"
  [ -n "$timeouts" ] || fail "wrk: $(tail -n 5 "$scratch/wrk.log")"
  rate=$(awk "BEGIN { printf \"%d\", $requests / $duration }")
}

# --- Without ----------------------------------------------------------------------------------------------------------------------------

say "$seconds s without the cache: every page is a query"
echo "$worker_count workers, $connections connections; wrk shares the $(nproc) cores of this machine with them"
with_cache=no
event() { :; }
start_server --no-cache
drive
stop_server
rate_without=$rate p50_without=$p50 p99_without=$p99
[ "$failures" -eq 0 ] || fail "$failures answers were errors"
[ "$resets" -eq 0 ] || fail "$resets connections broke"
[ "$timeouts" -eq 0 ] || fail "$timeouts requests timed out"

# --- With -------------------------------------------------------------------------------------------------------------------------------

look_tick=$((ticks * 3 / 10)) kill_tick=$((ticks * 9 / 20)) clear_tick=$((ticks * 7 / 10))
victim=0 victim_connections=0

show_from_outside() {
  say "\$ carafe stat $segment    # the first lines of it; a line for each counter follows"
  "$carafe" stat "$segment" | sed '/^FIELD/,$d' | indented
  say "\$ carafe workers $segment"
  "$carafe" workers "$segment" | indented
}

kill_a_worker() {
  victim=$(fields "$(server_stats)" 'workers[1]' answered_by | cut -d ' ' -f 1)
  # All its sockets but the one it listens on. wrk waits for an answer on each.
  victim_connections=$(($(find "/proc/$victim/fd" -lname 'socket:*' 2>/dev/null | wc -l) - 1))
  say "\$ kill -9 $victim    # a worker, with $victim_connections connections open"
  kill -9 "$victim"
}

check_replacement() {
  local workers
  workers=" $(fields "$(server_stats)" 'workers[0]' 'workers[1]' 'workers[2]' 'workers[3]') "
  [ "$restarts" -ge 1 ] || fail "worker $victim was killed and not replaced"
  [[ $workers != *" $victim "* ]] || fail "worker $victim was killed and is still listed"
}

event() {
  case $1 in
    "$look_tick") show_from_outside ;;
    "$kill_tick") kill_a_worker ;;
    "$clear_tick")
      check_replacement
      say "\$ carafe clear $segment    # as a deploy would"
      "$carafe" clear "$segment"
      ;;
    *) return ;;
  esac
  echo
  header
}

say "$seconds s with the cache: $capacity_mib MiB that all workers share, pages kept for 60 s"
with_cache=yes
start_server
drive
stat_json=$("$carafe" stat --json "$segment")
read -r gets hits clears recoveries <<<"$(fields "$stat_json" gets hits clears recoveries)"

say "\$ carafe verify $segment"
"$carafe" verify "$segment" | indented || fail "the cache is not sound"

say 'Try next'
cat <<END
    $build/bin/prefork_server --database $database --segment shop --port 8080 &
    curl -i http://127.0.0.1:8080/product/42    # twice: X-Cache says miss, then hit
    $carafe stat shop                # and: workers, slabs, keys, get shop product:42, --help
    kill -9 \$(pgrep -P \$! | head -n 1)         # any worker; the page is a hit still
    kill %1                                     # ends the server and removes the segment
END

stop_server
status=0
"$carafe" stat "$segment" >/dev/null 2>&1 || status=$?
[ "$status" -eq 3 ] || fail "the server ended, but its segment is still there (carafe stat: $status)"

# --- Summary ----------------------------------------------------------------------------------------------------------------------------

mean() { echo $((($1 + $2) / 2)); }
least() { printf '%s\n' "$@" | sort -n | head -n 1; }
k=$kill_tick c=$clear_tick  # rates[k] is the tick after the kill
kill_before=$(mean "${rates[k - 2]}" "${rates[k - 1]}") kill_during=$(least "${rates[@]:k:2}") kill_after=$(mean "${rates[@]:k + 1:2}")
clear_before=$(mean "${rates[c - 2]}" "${rates[c - 1]}") clear_during=$(least "${rates[@]:c:2}") clear_after=$(mean "${rates[@]: -2}")
hit_before=${hit_rates[c - 1]} hit_during=$(least "${hit_rates[@]:c:2}") hit_after=${hit_rates[-1]}

row() { printf '%-34s %14s %14s %14s\n' "$@" | sed 's/ *$//'; }
say "$(row '' 'without cache' 'with cache' '')"
row 'requests/s' "$(grouped "$rate_without")" "$(grouped "$rate")" ''
row 'latency p50, ms' "$p50_without" "$p50" ''
row 'latency p99, ms' "$p99_without" "$p99" ''
row 'hit rate, the clear included' - "$(percent "$hits" "$gets")" ''
row 'answers other than 2xx' 0 "$failures" ''
row 'requests timed out' 0 "$timeouts" ''
row 'connections reset' 0 "$resets" ''
row 'workers restarted' 0 "$restarts" ''
say "$(row '' before lowest after)"
row 'requests/s around kill -9' "$(grouped "$kill_before")" "$(grouped "$kill_during")" "$(grouped "$kill_after")"
row 'requests/s around carafe clear' "$(grouped "$clear_before")" "$(grouped "$clear_during")" "$(grouped "$clear_after")"
row 'hit rate around carafe clear' "$(tenths "$hit_before") %" "$(tenths "$hit_during") %" "$(tenths "$hit_after") %"
echo
if [ "$resets" -gt 0 ]; then
  echo "Connections reset: the killed worker had $victim_connections open just before. What it was about to answer is lost, as with any"
  echo "server; wrk connected anew, to the others. Locks that the cache took over from it: $recoveries."
fi

[ "$failures" -eq 0 ] || fail "$failures answers were errors"
[ "$timeouts" -eq 0 ] || fail "$timeouts requests timed out"
[ "$hits" -gt 0 ] || fail "nothing was a hit"
[ "$clears" -eq 1 ] || fail "carafe clear was counted $clears times"
[ "$hit_during" -lt "$hit_before" ] || fail "the hit rate did not fall after carafe clear"
[ "$resets" -le $((victim_connections + 2)) ] || fail "$resets connections broke; the killed worker had only $victim_connections"
