#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe stat: windows, counters, JSON; -w.
source "$(dirname "$0")/common.sh"
create "$segment"
for i in {1..10}; do "$carafe" set "$segment" "key $i" "value $i"; done
"$carafe" del "$segment" "key 10" -q

expect 0 "$carafe" stat "$segment"
matches "first line" "$(head -1 "$folder/out")" "^$segment: idle, 0 workers, .* of 4M used, owner $(id -un):$(id -gn), mode 0600, layout [0-9]+$"
for window in 1m 10m 1h total; do
  matches "window $window" "$out" $'\n'"$window +- +0 +0 +0 +10 +0 +"
done
matches "counter" "$out" $'\n'"sets +10  values stored"$'\n'
matches "counter" "$out" $'\n'"erases +1  keys removed"
matches "gauge" "$out" $'\n'"items +9  "
matches "gauge" "$out" $'\n'"capacity_bytes +4M  "
contains "meaning" "$out" "gets that returned a value"
matches "huge pages and NUMA" "$out" $'\n'"memory: ([0-9]+M? of 4M on huge pages|small pages)"
expect 0 "$carafe" stat "$segment" --bytes
matches "exact gauge" "$out" $'\n'"capacity_bytes +4194304  "

expect 0 "$carafe" stat "$segment" --json
equal "one line in a pipe" "$(wc -l <"$folder/out")" 1
fields="gets hits misses sets erases evictions conflict_evictions expirations invalidations clears lock_waits busy recoveries reclaimed_chunks
  reader_retries reader_contended too_large no_space corruptions pages_moved index_rebuilds registrations cannot_reopen loads load_waits load_take_overs lone_loads stale_fills
  stale_hits none_hits failed_loads items bytes_used capacity_bytes
  index_bytes pages pages_free workers uptime_ms layout_version page_bytes stripes max_workers max_namespaces largest_value_bytes epoch created_unix_seconds owner_uid owner_gid"
equal "fields that are no numbers" "$(json "[f for f in '${fields//$'\n'/}'.split() if type(o.get(f)) is not int]")" "[]"
equal "values" "$(json 'o["name"], o["state"], o["sets"], o["items"], o["erases"], o["capacity_bytes"], o["hit_ratio"], o["retired"], o["mode"]')" \
  "('$segment', 'idle', 10, 9, 1, 4194304, 0.0, False, '0600')"
equal "windows" "$(json '[(w["seconds"], w["sets"], w["gets"]) for w in o["windows"][1:]]')" "[(60, 10, 0), (600, 10, 0), (3600, 10, 0)]"
equal "fields of a window" "$(json 'sorted(o["windows"][0])')" "['covered_seconds', 'evictions', 'gets', 'hit_ratio', 'hits', 'misses', 'seconds', 'sets']"
equal "memory" "$(json 'sorted(o["memory"]), o["memory"]["bytes"]')" \
  "(['bytes', 'huge_bytes', 'huge_page_bytes', 'huge_policy', 'numa_nodes', 'numa_policy'], 4194304)"

# -w: one line per interval.
expect 0 "$carafe" stat "$segment" -w 0.1 -n 3
equal "lines of -w" "$(wc -l <"$folder/out")" 4
matches "header of -w" "$(head -1 "$folder/out")" "gets/s +hit% +1m-hit% +sets/s"
matches "line of -w" "$(tail -1 "$folder/out")" "^ +0 +- +- +0 +0 .* 9 +0$"
run "$carafe" stat "$segment" -w 0.1 -n 2 --json
equal "objects of -w" "$(wc -l <"$folder/out")" 2
tail -1 "$folder/out" >"$folder/line" && mv "$folder/line" "$folder/out"
equal "an object of -w" "$(json 'o["name"], o["gets"], o["items"], 0.05 < o["seconds"] < 5')" "('$segment', 0, 9, True)"
(sleep 0.5; for i in {1..5}; do "$carafe" set "$segment" "new $i" x; done) &
run "$carafe" stat "$segment" -w 2 -n 1 --json
equal "sets of an interval" "$(json 'o["sets"]')" 5

# Hits and misses, as they happen, in all windows and in the list.
run "$carafe" hold "$segment" 1 --get "key 1" -q
run "$carafe" hold "$segment" 1 --get "absent" -q
expect 0 "$carafe" stat "$segment" --json
equal "gets are hits and misses" "$(json 'o["gets"] == o["hits"] + o["misses"] and o["hits"] > 20 and o["misses"] > 20')" True
equal "hit_ratio" "$(json 'abs(o["hit_ratio"] - o["hits"] / o["gets"]) < 1e-9')" True
equal "lengths of windows" "$(json '[w["seconds"] for w in o["windows"]]')" "[10, 60, 600, 3600]"
equal "windows see them" "$(json 'all(w["gets"] == o["gets"] and w["hits"] == o["hits"] for w in o["windows"][1:])')" True
equal "the shortest sees some" "$(json '0 < o["windows"][0]["gets"] <= o["gets"]')" True
percent=$(json '"%.1f" % (100 * o["hits"] / o["gets"])')
expect 0 "$carafe" stat "$segment"
for window in 1m 10m 1h total; do matches "window $window" "$out" $'\n'"$window +$percent +"; done
expect 0 "$carafe" ls "$segment"
matches "hit rate in ls" "$out" " $percent +0 +"

# An interrupt ends it cleanly; so does a reader that leaves.
python3 - "$carafe" "$segment" <<'PYTHON' || fail "-w does not end cleanly on an interrupt"
import signal, subprocess, sys, time
child = subprocess.Popen([sys.argv[1], "stat", sys.argv[2], "-w", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
child.stdout.readline(), child.stdout.readline()
child.send_signal(signal.SIGINT)
_, err = child.communicate(timeout=10)
sys.exit(0 if child.returncode == 0 and err == b"" else f"code {child.returncode}, {err}")
PYTHON
timeout 20 "$carafe" stat "$segment" -w 0.1 2>"$folder/err" | head -2 >/dev/null
equal "exit code when the reader leaves" "${PIPESTATUS[0]}" 0
equal "message when the reader leaves" "$(<"$folder/err")" ""

# The segment is removed: on with the next of that name, or the end.
(sleep 0.5; "$carafe" rm "$segment" -q) &
expect 3 timeout 20 "$carafe" stat "$segment" -w 0.2
create "$segment"

expect 2 "$carafe" stat
expect 2 "$carafe" stat "$segment" -w 0
expect 2 "$carafe" stat "$segment" -w x
expect 2 "$carafe" stat "$segment" -n 3
expect 3 "$carafe" stat "$segment-absent"
finish
