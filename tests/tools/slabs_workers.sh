#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe slabs and workers.
source "$(dirname "$0")/common.sh"
create "$segment"
for i in {1..10}; do "$carafe" set "$segment" "key $i" "value $i"; done

expect 0 "$carafe" slabs "$segment"
matches "header of slabs" "$(head -1 "$folder/out")" "^CLASS +KIND +CHUNK +PAGES +CHUNKS +USED +FREE +CLAIMED +USED% +EVICTED +MOVED-IN +MOVED-OUT +CAME-BACK +AGE$"
matches "a class of items" "$out" $'\n *'"[0-9]+  items +[0-9]+ +1 +[0-9]+ +10 "
expect 0 "$carafe" slabs "$segment" --json
equal "items" "$(json 'sum(s["used"] for s in o["slabs"] if not s["is_index"])')" 10
equal "fields" "$(json 'sorted(o["slabs"][0])')" \
  "['age_ms', 'chunk_bytes', 'chunks', 'claimed', 'evictions', 'free', 'ghost_hits', 'is_index', 'moved_in', 'moved_out', 'pages', 'probation', 'size_class', 'used']"

expect 0 "$carafe" workers "$segment" --json
equal "live workers of an idle segment" "$(json 'sum(w["alive"] for w in o["workers"])')" 0
hold "$segment"
expect 0 "$carafe" workers "$segment"
matches "header of workers" "$(head -1 "$folder/out")" "^ *SLOT +PID +STATE +COMMAND +ATTACHED +GETS +HIT% +SETS$"
matches "a worker" "$out" $'\n *'"[0-9]+ +$holder  alive  $(basename "$carafe" | cut -c1-15) "
expect 0 "$carafe" workers "$segment" --json
equal "a worker" "$(json '[(w["pid"], w["command"]) for w in o["workers"] if w["alive"]]')" "[($holder, '$(basename "$carafe" | cut -c1-15)')]"
equal "fields" "$(json 'sorted(o["workers"][0])')" "['alive', 'attached_ms_ago', 'command', 'gets', 'hits', 'incarnation', 'pid', 'sets', 'slot']"
equal "sets of all slots" "$(json 'sum(w["sets"] for w in o["workers"])')" 10

# Killed: proven dead at once.
release -KILL
expect 0 "$carafe" workers "$segment" --json
equal "live workers after a kill" "$(json 'sum(w["alive"] for w in o["workers"])')" 0
expect 0 "$carafe" stat "$segment" --json
equal "workers after a kill" "$(json 'o["workers"], o["state"]')" "(0, 'idle')"
expect 3 "$carafe" slabs "$segment-absent"
expect 3 "$carafe" workers "$segment-absent"
finish
