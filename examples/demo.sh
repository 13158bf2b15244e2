#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One command that shows what carafe is for: builds it, starts an HTTP server of four processes over a real database, and drives
# it without the cache and with it, while a worker is killed and the cache is cleared. Every figure it prints was measured just then.
#
#   bash examples/demo.sh
#
# Installs the packages it needs (.ci/install-deps --demo; as root or with sudo). Works in build/demo, listens on 127.0.0.1 only, and
# ends its processes and removes its segment, however it ends. Fails when a request fails, nothing was a hit, the killed worker was not
# replaced, the cache is not sound afterwards, or many who ask at once for one page make more than one query.
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
burst=1000  # requests at once
worker_count=4
capacity_mib=48  # about half of all pages; and it fits into the 64 MiB of /dev/shm that containers often have
segment=carafe-demo-$$

if ! [[ $seconds =~ ^[0-9]+$ ]] || [ "$seconds" -lt 4 ]; then
  echo "demo: DEMO_SECONDS is a whole number from 4 on, not '$seconds'" >&2
  exit 2
fi
# The server is looked at once per tick, in microseconds. What happens when goes by looks, so that a busy machine sees all of it, later.
tick=1000000
if [ "$seconds" -lt 10 ]; then tick=500000; fi
looks=$((seconds * 1000000 / tick))

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

# Machines with few cores are busy enough: what is called at each look sets a variable and forks nothing.
now() { printf -v "$1" %s "${EPOCHREALTIME/./}"; }
# set_grouped VARIABLE NUMBER: 1234567 as 1,234,567
set_grouped() {
  local digits=$2 groups=''
  while [ ${#digits} -gt 3 ]; do
    groups=,${digits: -3}$groups
    digits=${digits:0:-3}
  done
  printf -v "$1" %s "$digits$groups"
}
grouped() {
  local text
  set_grouped text "$1"
  echo "$text"
}
# Numbers in tenths are for what bash cannot count with: 123 is 12.3
set_tenths() { printf -v "$1" %d.%d $(($2 / 10)) $(($2 % 10)); }
tenths_percent() { echo "$(($1 / 10)).$(($1 % 10)) %"; }
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
  : >"$scratch/server.log"  # the background job opens it when it gets to it
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

# What each look saw since the one before.
rates=() hit_rates=()
last_requests=0 last_gets=0 last_hits=0 last_time=0 restarts=0

look() {
  local time requests gets hits items evictions server_json cache_json='{}' second rate hit_rate
  server_json=$(server_stats)
  now time
  if [ "$with_cache" = yes ]; then cache_json=$("$carafe" stat --json "$segment"); fi  # from outside: the server does not notice
  read -r requests restarts gets hits items evictions \
    <<<"$(fields "{\"s\": $server_json, \"c\": $cache_json}" s.requests s.restarts c.gets c.hits c.items c.evictions)"
  elapsed=$((time - begin))
  if [ "$last_time" -gt 0 ]; then
    rates+=($(((requests - last_requests) * 1000000 / (time - last_time))))
    hit_rates+=($((gets > last_gets ? (hits - last_hits) * 1000 / (gets - last_gets) : 0)))
    set_tenths second $((elapsed / 100000))
    set_grouped rate "${rates[-1]}"
    if [ "$with_cache" = yes ]; then
      set_tenths hit_rate "${hit_rates[-1]}"
      set_grouped items "$items"
      set_grouped evictions "$evictions"
      printf '%6s %12s %10s %10s %10s %9s\n' "$second" "$rate" "$hit_rate %" "$items" "$evictions" "$restarts"
    else
      printf '%6s %12s\n' "$second" "$rate"
    fi
  fi
  last_requests=$requests last_gets=$gets last_hits=$hits last_time=$time
}

header() {
  if [ "$with_cache" = yes ]; then
    printf '%6s %12s %10s %10s %10s %9s\n' second requests/s 'hit rate' items evictions restarts
  else
    printf '%6s %12s\n' second requests/s
  fi
}

# Runs wrk until all looks are done, and calls `event LOOK` after each. Leaves wrk's findings in requests ... timeouts, and the requests
# per second of the whole run in rate.
drive() {
  local next pause
  rates=() hit_rates=() last_time=0
  header
  wrk --threads 2 --connections "$connections" --duration "$((seconds * 5))" --timeout 10s --script examples/prefork/zipf.lua "$url" \
    -- "$products" >"$scratch/wrk.log" 2>&1 &
  wrk=$!
  now begin
  look
  next=$begin
  for ((i = 1; i <= looks; ++i)); do
    now pause
    next=$((next + tick > pause + tick / 2 ? next + tick : pause + tick / 2))
    pause=$((next - pause))
    sleep "$((pause / 1000000)).$(printf %06d $((pause % 1000000)))"
    look
    event "$i"
  done
  kill -INT "$wrk" || fail "wrk ended too early: $(tail -n 5 "$scratch/wrk.log")"  # it sums up and ends
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

look_at=$((looks * 3 / 10)) kill_at=$((looks * 9 / 20)) clear_at=$((looks * 7 / 10))

show_from_outside() {
  say "\$ carafe stat $segment    # the first lines of it; a line for each counter follows"
  "$carafe" stat "$segment" | sed '/^FIELD/,$d; /^$/d' | indented
  say "\$ carafe workers $segment"
  "$carafe" workers "$segment" | indented
}

# The pids of the workers.
server_workers() { sqlite3 :memory: "SELECT group_concat(value, ' ') FROM json_each('$(server_stats)', '\$.workers')"; }

# All sockets of a process but the one it listens on.
open_connections() { echo $(($(find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | wc -l) - 1)); }

# The busiest one: the kernel spreads connections unevenly. It is stopped while its connections are counted, so that each connection that
# breaks in this run can be held against this kill, or is a failure.
kill_a_worker() {
  local pid count most=0
  for pid in $(server_workers); do
    count=$(open_connections "$pid") || continue
    if [ "$count" -gt "$most" ]; then victim=$pid most=$count; fi
  done
  [ "$most" -gt 0 ] || fail 'no worker has a connection'
  kill -STOP "$victim"
  victim_connections=$(open_connections "$victim")
  kill -9 "$victim"
  say "\$ kill -9 $victim    # a worker, with $victim_connections connections open"
}

check_replacement() {
  local workers
  workers=" $(server_workers) "
  [ "$restarts" -ge 1 ] || fail "worker $victim was killed and not replaced"
  [[ $workers != *" $victim "* ]] || fail "worker $victim was killed and is still listed"
}

event() {
  case $1 in
    "$look_at") show_from_outside ;;
    "$kill_at") kill_a_worker ;;
    "$clear_at")
      check_replacement
      say "\$ carafe clear $segment    # as a deploy would"
      "$carafe" clear "$segment"
      ;;
    *) return 0 ;;
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

# --- Many at once -----------------------------------------------------------------------------------------------------------------------

queries_so_far() { fields "$(server_stats)" queries; }
loads_and_waits() { fields "$("$carafe" stat --json "$segment")" loads load_waits; }

# Leaves in queries how many there were, and in burst_ms how long the last one of those who asked had to wait.
ask_at_once() {
  local before good
  before=$(queries_so_far)
  python3 examples/prefork/burst.py "$url/room/Kitchen" "$burst" >"$scratch/burst.log" 2>&1 || fail "burst: $(tail -n 5 "$scratch/burst.log")"
  read -r good burst_ms <"$scratch/burst.log"
  queries=$(($(queries_so_far) - before))
  echo "$good requests, $queries $([ "$queries" -eq 1 ] && echo query || echo queries); the last answer came after $burst_ms ms"
}

say "$burst requests at once for a page that is not in the cache: /room/Kitchen, one slow query"
read -r loads waits <<<"$(loads_and_waits)"
ask_at_once
read -r loads_then waits_then <<<"$(loads_and_waits)"
echo "carafe stat $segment: $((loads_then - loads)) load, $((waits_then - waits)) waited for it, the others found the page there"
queries_shared=$queries burst_ms_shared=$burst_ms

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

say "The same without carafe: each of the $worker_count workers keeps what it has computed for itself"
start_server --private-cache
query_ms=$(curl -sf --max-time 20 -o "$scratch/room" -w '%{time_total}' "$url/room/Garden" | awk '{ printf "%d", $1 * 1000 }')
echo "one such query by itself: $query_ms ms; $((worker_count * connections * 2)) threads serve all connections"
ask_at_once
stop_server
queries_private=$queries burst_ms_private=$burst_ms

# --- Summary ----------------------------------------------------------------------------------------------------------------------------

mean() { echo $((($1 + $2) / 2)); }
least() { echo $(($1 < $2 ? $1 : $2)); }
# Before: the last two looks before the event. Lowest: of the next two. After: the last two before the next event, or the end.
k=$kill_at c=$clear_at  # rates[k] is the first after the kill
kill_before=$(mean "${rates[@]:k-2:2}") kill_during=$(least "${rates[@]:k:2}") kill_after=$(mean "${rates[@]:c-2:2}")
clear_before=$(mean "${rates[@]:c-2:2}") clear_during=$(least "${rates[@]:c:2}") clear_after=$(mean "${rates[@]: -2}")
hit_before=$(mean "${hit_rates[@]:c-2:2}") hit_during=$(least "${hit_rates[@]:c:2}") hit_after=${hit_rates[-1]}

row() { printf '%-34s %14s %14s %14s\n' "$@" | sed 's/ *$//'; }
say "$(row '' 'without cache' 'with cache' '')"
row 'requests/s' "$(grouped "$rate_without")" "$(grouped "$rate")" ''
row 'latency p50, ms' "$p50_without" "$p50" ''
row 'latency p99, ms' "$p99_without" "$p99" ''
row 'hit rate, the clear included' - "$(tenths_percent $((gets > 0 ? hits * 1000 / gets : 0)))" ''
row 'answers other than 2xx' 0 "$failures" ''
row 'requests timed out' 0 "$timeouts" ''
row 'connections reset' 0 "$resets" ''
row 'workers restarted' 0 "$restarts" ''
say "$(row "$(grouped $burst) requests at once" 'private caches' carafe '')"
row 'queries' "$queries_private" "$queries_shared" ''
row 'the last answer after, ms' "$(grouped "$burst_ms_private")" "$(grouped "$burst_ms_shared")" ''
say "$(row '' before lowest after)"
row 'requests/s around kill -9' "$(grouped "$kill_before")" "$(grouped "$kill_during")" "$(grouped "$kill_after")"
row 'requests/s around carafe clear' "$(grouped "$clear_before")" "$(grouped "$clear_during")" "$(grouped "$clear_after")"
row 'hit rate around carafe clear' "$(tenths_percent "$hit_before")" "$(tenths_percent "$hit_during")" "$(tenths_percent "$hit_after")"
echo
if [ "$resets" -gt 0 ]; then
  echo "Connections reset: the killed worker had $victim_connections open. What it was about to answer is lost, as with any"
  echo "server; wrk connected anew, to the others. Locks that the cache took over from it: $recoveries."
fi

[ "$failures" -eq 0 ] || fail "$failures answers were errors"
[ "$timeouts" -eq 0 ] || fail "$timeouts requests timed out"
[ "$hits" -gt 0 ] || fail "nothing was a hit"
[ "$clears" -eq 1 ] || fail "carafe clear was counted $clears times"
[ "$hit_during" -lt "$hit_before" ] || fail "the hit rate did not fall after carafe clear"
[ "$resets" -le "$victim_connections" ] || fail "$resets connections broke; the killed worker had only $victim_connections"
[ "$queries_shared" -eq 1 ] || fail "$burst requests for one page made $queries_shared queries"
