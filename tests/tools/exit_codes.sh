#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every class of failure has its code, with every verb that can meet it; and a message that names the remedy.
source "$(dirname "$0")/common.sh"
create "$segment"
shm=/dev/shm/carafe.$segment

looking=("stat %" "slabs %" "workers %" "namespaces %" "keys %" "keys % --namespace a" "get % key" "prune % --keep v1 --dry-run" "verify %")
writing=("set % key value" "del % key" "clear %" "clear % --tag a" "clear % --prefix a" "prune % --keep v1")
# with_all CODE SEGMENT VERB...: runs each verb on that segment.
with_all() {
  local code_wanted=$1 name=$2 verb
  shift 2
  for verb in "$@"; do
    # shellcheck disable=SC2086  # verbs are split into words on purpose
    expect "$code_wanted" "${as[@]}" "$tool" ${verb//%/$name}
  done
}
as=()
tool=$carafe

# 2: the command line
expect 2 "$carafe"
contains "message" "$err" "a verb is missing"
expect 2 "$carafe" frobnicate
contains "message" "$err" "no verb or option \"frobnicate\""
expect 2 "$carafe" --frobnicate ls
expect 2 "$carafe" ls --frobnicate
contains "hint" "$err" "carafe ls --help"
expect 2 "$carafe" ls a b
expect 2 "$carafe" layout more
with_all 2 "bad/name" "${looking[@]}" "${writing[@]}" "rm %"
with_all 2 "$(printf '%0201d' 0)" "${looking[@]}" "${writing[@]}" "rm %"

# 3: no such segment; with the nearest name
with_all 3 "$segment-absent" "${looking[@]}" "${writing[@]}" "rm %"
create "$segment-catalogue"
expect 3 "$carafe" stat "$segment-catalog"
contains "message" "$err" "did you mean \"$segment-catalogue\"?"
expect 3 "$carafe" stat "zzzzzz-$$"
contains "message" "$err" "carafe ls"

# 4: no permission
if is_root; then
  carafe_for_nobody
  as=(as_nobody)
  tool=$folder/carafe
  with_all 4 "$segment" "${looking[@]}" "${writing[@]}" "rm %"
  as=()
  tool=$carafe
elif [[ $(id -u) != 0 ]]; then
  create "$segment-closed"
  chmod 000 "$shm-closed"
  with_all 4 "$segment-closed" "${looking[@]}" "${writing[@]}"
fi

# 5: refused
expect 5 "$carafe" create "$segment" --size 4M
chmod 666 "$shm"
expect 5 "$carafe" set "$segment" key value
contains "message" "$err" "0666"
expect 3 "$carafe" del "$segment" key
expect 0 "$carafe" clear "$segment"
chmod 600 "$shm"
if is_root; then
  # Somebody else's: what takes away is fine, what hands over is not, unless told so.
  as_nobody "$folder/carafe" create "$segment-theirs" --size 1M -q
  expect 5 "$carafe" set "$segment-theirs" key value
  contains "message" "$err" "--trust $(id -un 65534)"
  expect 0 "$carafe" set "$segment-theirs" key value --trust 65534
  expect 0 "$carafe" set "$segment-theirs" key value --trust "$(id -un 65534)"
  expect 2 "$carafe" set "$segment-theirs" key value --trust no-such-user-$$
  expect 0 "$carafe" del "$segment-theirs" key
  expect 0 "$carafe" clear "$segment-theirs"
  expect 0 "$carafe" stat "$segment-theirs"
  expect 0 "$carafe" rm "$segment-theirs"
fi

# 6: corrupt
head -c 5000 /dev/urandom >"$shm-noise" && chmod 600 "$shm-noise"
with_all 6 "$segment-noise" "${looking[@]}" "${writing[@]}"
cp "$shm" "$shm-short" && chmod 600 "$shm-short" && truncate -s 2M "$shm-short"
with_all 6 "$segment-short" "${looking[@]}" "${writing[@]}"
contains "message" "$err" "2097152"
cp "$shm" "$shm-layout" && chmod 600 "$shm-layout" && printf '\xff\xff' | dd of="$shm-layout" bs=1 seek=8 conv=notrunc status=none
with_all 6 "$segment-layout" "${looking[@]}" "${writing[@]}"
contains "message" "$err" "65535"
cp "$shm" "$shm-build" && chmod 600 "$shm-build" && printf '\xff\xff' | dd of="$shm-build" bs=1 seek=16 conv=notrunc status=none
with_all 6 "$segment-build" "${looking[@]}" "${writing[@]}"
ln -s "$shm" "$shm-link"
with_all 6 "$segment-link" "${looking[@]}" "${writing[@]}"

# 6: cut short while being looked at. -w looks again and again.
create "$segment-cut"
for i in {1..10}; do head -c 10000 /dev/zero | "$carafe" set "$segment-cut" "key $i"; done
(sleep 0.5; truncate -s 4096 "$shm-cut") &
expect 6 timeout 20 "$carafe" stat "$segment-cut" -w 0.1
contains "message" "$err" "truncated while looking"

# 0
expect 0 "$carafe" --help
contains "help" "$out" "Exit codes"
expect 0 "$carafe" stat --help
contains "help of a verb" "$out" "--watch"
finish
