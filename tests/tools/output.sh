#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What goes where: plain text in a pipe, bold headers on a terminal that wants them, JSON everywhere, flags before and behind the verb.
source "$(dirname "$0")/common.sh"
create "$segment"
for i in {1..5}; do "$carafe" set "$segment" "key $i" "value $i"; done
"$carafe" set "$segment" key value --namespace products
escape=$'\x1b'

verbs=("ls $segment" "stat $segment" "slabs $segment" "workers $segment" "keys $segment" "namespaces $segment" "namespaces $segment -w 0.1 -n 1" "verify $segment" "layout" "stat $segment -w 0.1 -n 1")
for verb in "${verbs[@]}"; do
  # shellcheck disable=SC2086
  run "$carafe" $verb
  equal "exit code of $verb" "$code" 0
  [[ $out != *"$escape"* ]] || fail "escape sequences in a pipe: $verb"
  [[ -n $out ]] || fail "no output: $verb"
  ! grep -q ' $' "$folder/out" || fail "spaces at the end of a line: $verb"
  for flags in --no-color "--bytes -q" --json; do
    # shellcheck disable=SC2086
    expect 0 "$carafe" $flags $verb
    before=$out
    # shellcheck disable=SC2086
    expect 0 "$carafe" $verb $flags
    # Ages differ between two looks, and with them figures, units and the width of columns.
    [[ $(sed -E 's/[0-9.]+(ms|s|m|h|d)?//g; s/ +/ /g' <<<"$before") == "$(sed -E 's/[0-9.]+(ms|s|m|h|d)?//g; s/ +/ /g' <<<"$out")" ]] || fail "flags before and behind the verb differ: $verb $flags: $before / $out"
  done
  json 'type(o).__name__' >/dev/null
done

for verb in stat ls namespaces; do
  on_terminal "" "'$carafe' $verb $segment"
  contains "$verb on a terminal" "$out" "${escape}[1m"
  for plain in "'$carafe' --no-color $verb $segment" "NO_COLOR=1 '$carafe' $verb $segment" "TERM=dumb '$carafe' $verb $segment"; do
    on_terminal "" "$plain"
    [[ $out != *"$escape"* && -n $out ]] || fail "not plain: $plain"
  done
done
on_terminal "" "'$carafe' stat $segment --json --no-color"
printf '%s' "$out" >"$folder/out"
equal "JSON on a terminal" "$(json 'o["name"]')" "$segment"

# Digits are grouped for people only.
head -c 100000 /dev/zero | "$carafe" set "$segment" long
on_terminal "" "'$carafe' --no-color stat $segment -w 0.1 -n 1"
matches "a line of -w on a terminal" "$out" " 7 +0$"
expect 0 "$carafe" create "$segment-large" --size 64M -q  # whose slab pages have thousands of small chunks
expect 0 "$carafe" set "$segment-large" key value
on_terminal "" "'$carafe' --no-color slabs $segment-large"
matches "a count on a terminal" "$out" " [1-9],[0-9]{3} "
expect 0 "$carafe" slabs "$segment-large"
[[ $out =~ \ [1-9][0-9]{3}\  && $out != *,* ]] || fail "a count in a pipe: $out"
expect 0 "$carafe" --version
matches "version" "$out" '^carafe [0-9]+\.[0-9]+\.[0-9]+ \(segment layout [0-9]+\)$'
expect 0 "$carafe" --json --version
equal "fields of the version" "$(json 'sorted(o)')" "['layout_version', 'version']"
expect 0 "$carafe" layout
matches "layout" "$out" "^carafe segment layout, version [0-9]+"
expect 0 "$carafe" layout --json
matches "layout in JSON" "$(json 'o["layout"]')" "^carafe segment layout"
finish
