#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe verify: ok, and not ok.
source "$(dirname "$0")/common.sh"
create "$segment"
for i in {1..50}; do "$carafe" set "$segment" "key $i" "$(printf "%0${i}0d" 0)"; done

expect 0 "$carafe" verify "$segment"
matches "what verify says" "$out" "^$segment: ok: 50 items in [0-9]+ chunks"
expect 0 "$carafe" verify "$segment" -q
equal "quiet output" "$out" ""
expect 0 "$carafe" verify "$segment" --json
equal "report" "$(json 'o["name"], o["ok"], o["items"], o["problems"]')" "('$segment', True, 50, [])"

# Scribble over everything but the header: it is noticed, and nothing crashes.
size=$(stat -c %s "/dev/shm/carafe.$segment")
head -c $((size - 65536)) /dev/urandom | dd of="/dev/shm/carafe.$segment" bs=65536 seek=1 conv=notrunc status=none
expect 6 "$carafe" verify "$segment"
[[ -n $out ]] || fail "no problem was printed"
contains "remedy" "$err" "carafe rm $segment"
run "$carafe" verify "$segment" --json
equal "exit code" "$code" 6
equal "report of a damaged one" "$(json 'o["ok"], len(o["problems"]) > 0, {type(p).__name__ for p in o["problems"]}')" "(False, True, {'str'})"
for verb in stat slabs workers keys "get absent"; do
  read -r verb argument <<<"$verb"
  run timeout 20 "$carafe" "$verb" "$segment" $argument
  ((code == 0 || code == 3 || code == 6)) || fail "$verb of a damaged segment ends with $code: $err"
done

cp "/dev/shm/carafe.$segment" "/dev/shm/carafe.$segment-short"
truncate -s 1M "/dev/shm/carafe.$segment-short"
expect 6 "$carafe" verify "$segment-short"
expect 3 "$carafe" verify "$segment-absent"
finish
