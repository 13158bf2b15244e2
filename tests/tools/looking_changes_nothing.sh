#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Verbs that look change not one byte of the segment, whatever its state, and need no right to write.
source "$(dirname "$0")/common.sh"
create "$segment"
for i in {1..60}; do printf "%0${i}00d" 0 | "$carafe" set "$segment" "key $i"; done
"$carafe" set "$segment" expired value --ttl 50ms
head -c 500000 /dev/urandom | "$carafe" set "$segment" chained
"$carafe" clear "$segment" -q
for i in {1..60}; do printf "%0${i}00d" 0 | "$carafe" set "$segment" "key $i" --ttl 1h; done
head -c 500000 /dev/urandom | "$carafe" set "$segment" chained
for release in "" v1 v2; do "$carafe" set "$segment" key value --namespace products --release "$release" --ttl 1h; done
"$carafe" clear "$segment" -q --namespace products --release v1
sleep 0.1
hold "$segment"

cp "/dev/shm/carafe.$segment" "$folder/before"
touched=$(stat -c %Y.%Z "/dev/shm/carafe.$segment")
# The first run of each looks at it as its owner, the second through a descriptor that could not write anyway.
look() {
  for flag in "" --json; do
    # shellcheck disable=SC2086
    run "$@" $flag
    [[ $code == "$wanted" ]] || fail "exit code $code of ${*@Q} $flag: $err"
    cmp "/dev/shm/carafe.$segment" "$folder/before" || { fail "${*@Q} $flag changed the segment"; cp "/dev/shm/carafe.$segment" "$folder/before"; }
  done
}
wanted=0
look "$carafe" ls "$segment"
look "$carafe" stat "$segment"
look "$carafe" stat "$segment" -w 0.1 -n 12
look "$carafe" slabs "$segment"
look "$carafe" workers "$segment"
look "$carafe" keys "$segment"
look "$carafe" keys "$segment" -m 'key 1*' -n 3
look "$carafe" get "$segment" "key 7"
look "$carafe" get "$segment" chained
look "$carafe" verify "$segment"
look "$carafe" namespaces "$segment"
look "$carafe" namespaces "$segment" -w 0.1 -n 3 --sort bytes
look "$carafe" keys "$segment" --namespace products
look "$carafe" get "$segment" key --namespace products --release v2
look "$carafe" prune "$segment" --keep v2 --dry-run
wanted=3
look "$carafe" get "$segment" key --namespace products --release v1
look "$carafe" get "$segment" key --namespace products --release v3
look "$carafe" keys "$segment" --namespace product
look "$carafe" get "$segment" absent
look "$carafe" get "$segment" expired
equal "times of the file" "$(stat -c %Y.%Z "/dev/shm/carafe.$segment")" "$touched"

# Not even a file that nobody may write.
chmod 400 "/dev/shm/carafe.$segment"
wanted=0
look "$carafe" stat "$segment"
look "$carafe" keys "$segment"
look "$carafe" namespaces "$segment"
look "$carafe" get "$segment" key --namespace products
look "$carafe" prune "$segment" --keep v2 --dry-run
look "$carafe" verify "$segment"

# A stopped worker is no obstacle, and no verb here stops one.
chmod 600 "/dev/shm/carafe.$segment"
kill -STOP "$holder"
look timeout 20 "$carafe" stat "$segment"
look timeout 20 "$carafe" verify "$segment"
kill -CONT "$holder"
kill -0 "$holder" || fail "the worker is gone"
finish
