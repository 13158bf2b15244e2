#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe ls: live, idle, damaged, foreign and unreadable segments, in one list that never fails for one of them.
source "$(dirname "$0")/common.sh"

expect 0 "$carafe" ls "$segment*"
matches "an empty list" "$out" "^NAME +SIZE +USED +ITEMS +HIT% +WORKERS +OWNER +MODE +AGE +STATE$"
expect 0 "$carafe" ls "$segment*" --json
equal "an empty list in JSON" "$(json 'o')" "{'segments': []}"

create "$segment-idle"
create "$segment-live"
"$carafe" set "$segment-live" key value
hold "$segment-live"
shm=/dev/shm/carafe.$segment
head -c 5000 /dev/urandom >"$shm-noise"
: >"$shm-zero"
ln -s "$shm-idle" "$shm-link"
mkdir "$shm-folder"
mkfifo "$shm-fifo"
cp "$shm-idle" "$shm-short" && truncate -s 2M "$shm-short"
cp "$shm-idle" "$shm-foreign" && printf '\xff\xff' | dd of="$shm-foreign" bs=1 seek=8 conv=notrunc status=none
: >"$shm-$(printf 'odd\nname\xff')"

expect 0 "$carafe" ls "$segment*"
equal "lines" "$(wc -l <"$folder/out")" 11
equal "standard error" "$err" ""
matches "the live one" "$out" "$segment-live +4M +[0-9.]+[KM]? +1 +- +1 +$(id -un) +0600 +[0-9]+m?s  live"
matches "the idle one" "$out" "$segment-idle +4M +0 +0 +- +0 +$(id -un) +0600 +[0-9]+m?s  idle"
matches "noise" "$out" "$segment-noise +4.9K +- +- +- +- +[^ ]+ +0[0-7]+ +-  damaged: not_a_segment"
matches "an empty file" "$out" "$segment-zero .* damaged: (truncated|not_a_segment)"
matches "a link" "$out" "$segment-link .* damaged: symbolic link"
matches "a folder" "$out" "$segment-folder .* damaged: not a file"
matches "a FIFO" "$out" "$segment-fifo .* damaged: not a file"
matches "a short one" "$out" "$segment-short .* damaged: truncated"
matches "another layout" "$out" "$segment-foreign .* foreign: wrong_layout"
contains "an odd name" "$out" "odd\\x0aname\\xff"

expect 0 "$carafe" ls "$segment*" --json
state() { json "[s['state'] for s in o['segments'] if s['name'] == '$segment-$1'][0]"; }
equal "state of the live one" "$(state live)" live
equal "state of the idle one" "$(state idle)" idle
equal "state of the short one" "$(state short)" damaged
equal "state of the foreign one" "$(state foreign)" foreign
equal "fields" "$(json '[(s["items"], s["workers"], s["capacity_bytes"], s["hit_ratio"]) for s in o["segments"] if s["state"] == "live"]')" "[(1, 1, 4194304, 0.0)]"
[[ $(json 'all("problem" in s for s in o["segments"] if s["state"] not in ("live", "idle"))') == True ]] || fail "a damaged one without a problem: $out"

expect 0 "$carafe" ls "$segment-[il]*e"
equal "lines that match" "$(wc -l <"$folder/out")" 3
expect 0 "$carafe" ls "$segment-live" --bytes
contains "exact bytes" "$out" "4194304"

if is_root; then
  carafe_for_nobody
  expect 0 as_nobody "$folder/carafe" ls "$segment*"
  matches "not ours" "$out" "$segment-idle +4M .* unreadable: no permission"
fi

# Everybody can list while segments come and go.
(for _ in {1..25}; do "$carafe" create "$segment-gone" --size 1M -q; "$carafe" rm "$segment-gone" -q; done) &
churn=$!
while kill -0 "$churn" 2>/dev/null; do expect 0 "$carafe" ls "$segment*"; done

rmdir "$shm-folder"
finish
