#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe rm: at once when nobody has it open; asks, or needs --yes, when somebody has.
source "$(dirname "$0")/common.sh"
exists() { [[ -e /dev/shm/carafe.$1 || -L /dev/shm/carafe.$1 ]]; }

create "$segment"
expect 0 "$carafe" rm "$segment"
equal "what rm says" "$out" "removed $segment"
exists "$segment" && fail "still there"
expect 3 "$carafe" rm "$segment"

# Several: all that can be removed are; the first that cannot decides.
create "$segment-a"
create "$segment-b"
expect 3 "$carafe" rm "$segment-a" "$segment-absent" "$segment-b" --json
equal "outcomes" "$(json '[(s["name"], s["removed"], "problem" in s) for s in o["segments"]]')" \
  "[('$segment-a', True, False), ('$segment-absent', False, True), ('$segment-b', True, False)]"
exists "$segment-b" && fail "the last is still there"

# A live worker: no without --yes where nobody can be asked.
create "$segment-live"
hold "$segment-live"
expect 5 "$carafe" rm "$segment-live"
contains "message" "$err" "1 live worker;"
contains "message" "$err" "--yes"
exists "$segment-live" || fail "removed without --yes"
expect 0 "$carafe" rm "$segment-live" --yes -q
equal "quiet output" "$out" ""
exists "$segment-live" && fail "still there after --yes"
release

# On a terminal it asks.
create "$segment-asked"
hold "$segment-asked"
on_terminal $'n\n' "'$carafe' rm $segment-asked"
equal "exit code after no" "$code" 5
contains "question" "$out" "has 1 live worker. Remove it? [y/N]"
exists "$segment-asked" || fail "removed after no"
on_terminal $'\n' "'$carafe' rm $segment-asked"
equal "exit code after an empty answer" "$code" 5
on_terminal $'y\n' "'$carafe' rm $segment-asked >$folder/piped 2>&1"
equal "exit code without a terminal for the output" "$code" 5
exists "$segment-asked" || fail "removed without an answer"
on_terminal $'y\n' "'$carafe' rm $segment-asked"
equal "exit code after yes" "$code" 0
exists "$segment-asked" && fail "still there after yes"
release

# A killed worker is no live one.
create "$segment-dead"
hold "$segment-dead"
release -KILL
expect 0 "$carafe" rm "$segment-dead"

# Damaged ones go too, but not from under a worker.
create "$segment-short"
truncate -s 2M "/dev/shm/carafe.$segment-short"
head -c 5000 /dev/urandom >"/dev/shm/carafe.$segment-noise"
expect 0 "$carafe" rm "$segment-short" "$segment-noise"
create "$segment-open"
chmod 666 "/dev/shm/carafe.$segment-open"
expect 0 "$carafe" rm "$segment-open"
create "$segment-target"
ln -s "/dev/shm/carafe.$segment-target" "/dev/shm/carafe.$segment-link"
expect 0 "$carafe" rm "$segment-link"
exists "$segment-link" && fail "the link is still there"
exists "$segment-target" || fail "rm followed a link"
create "$segment-foreign"
hold "$segment-foreign"
printf '\xff\xff' | dd of="/dev/shm/carafe.$segment-foreign" bs=1 seek=8 conv=notrunc status=none
expect 5 "$carafe" rm "$segment-foreign"
contains "message" "$err" "live workers"
expect 0 "$carafe" rm "$segment-foreign" -y

expect 2 "$carafe" rm
expect 2 "$carafe" rm "bad/name"
if is_root; then
  carafe_for_nobody
  create "$segment-root"
  expect 4 as_nobody "$folder/carafe" rm "$segment-root"
  exists "$segment-root" || fail "nobody removed root's segment"
fi
finish
