#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe keys: all of them, once, escaped; globs; limits.
source "$(dirname "$0")/common.sh"
create "$segment"

expect 0 "$carafe" keys "$segment"
matches "an empty list" "$out" "^ +VALUE +TTL  KEY$"
expect 0 "$carafe" keys "$segment" --json
equal "keys of an empty segment" "$(json 'o["keys"]')" "[]"

for i in {1..40}; do "$carafe" set "$segment" "product:$i" "value $i"; done
"$carafe" set "$segment" "search:shoes" "12345" --ttl 10m
"$carafe" set "$segment" -e 'odd\x00\x0a\xff\\[x]' ""
"$carafe" set "$segment" "gr$(printf '\xc3\xbc')n" "x"

expect 0 "$carafe" keys "$segment" -k
equal "number of keys" "$(wc -l <"$folder/out")" 43
equal "number of different keys" "$(sort -u "$folder/out" | wc -l)" 43
contains "keys" "$out" 'odd\x00\x0a\xff\\[x]'
contains "keys" "$out" 'gr\xc3\xbcn'
expect 0 "$carafe" keys "$segment" --match 'search:*'
matches "line of a key" "$(tail -1 "$folder/out")" '^ +5 +(9m[0-9]+s|10m)  search:shoes$'
expect 0 "$carafe" keys "$segment" --match 'product:1'
matches "line of a key" "$(tail -1 "$folder/out")" '^ +7 +forever  product:1$'

# count GLOB WANTED
count() {
  expect 0 "$carafe" keys "$segment" -k --match "$1"
  equal "keys that match $1" "$(wc -l <"$folder/out")" "$2"
}
count 'product:*' 40
count 'product:?' 9
count 'product:[1-3]' 3
count 'product:[!1-3]' 6
count '*:1*' 11
count '*s*s*' 1
count '*' 43
count '' 0
count 'product' 0
count 'odd*' 1
count 'odd??????[[]x]' 0
count '*\[x\]' 1
count '*[[]x]' 1
count '[' 0
count '{}' 0
expect 0 "$carafe" keys "$segment" -k '--match=[s]*'
equal "keys that match [s]*" "$out" "search:shoes"

expect 0 "$carafe" keys "$segment" -k -n 7
equal "keys under a limit" "$(wc -l <"$folder/out")" 7
expect 0 "$carafe" keys "$segment" -k -n 0
equal "keys under the limit 0" "$out" ""
expect 2 "$carafe" keys "$segment" -n many
expect 2 "$carafe" keys "$segment" -n -1

expect 0 "$carafe" keys "$segment" --json
equal "number of keys in JSON" "$(json 'len(o["keys"])')" 43
equal "name in JSON" "$(json 'o["name"]')" "$segment"
equal "odd key in JSON" "$(json '[k["key_hex"] for k in o["keys"] if k["key"].startswith("odd")]')" "['6f6464000aff5c5b785d']"
equal "UTF-8 key in JSON" "$(json '[ascii(k["key"]) for k in o["keys"] if k["key"].startswith("gr")]')" "[\"'gr\\\\xfcn'\"]"
equal "forever in JSON" "$(json '{k["ttl_ms"] for k in o["keys"] if k["key"].startswith("product")}')" "{None}"
[[ $(json '[0 < k["ttl_ms"] <= 600004 and k["value_bytes"] for k in o["keys"] if k["key"] == "search:shoes"]') == "[5]" ]] || fail "a time to live in JSON: $out"
expect 0 "$carafe" keys "$segment" --json -n 1
equal "number of keys in JSON under a limit" "$(json 'len(o["keys"])')" 1

# What keys prints is what --escaped reads: the recipe of the man page.
"$carafe" keys "$segment" -k -m 'odd*' | xargs -r -d '\n' "$carafe" del "$segment" -q --escaped -- || fail "delete what was listed"
count 'odd*' 0

# A reader that leaves early is no failure.
for i in {1..45}; do printf 'x' | "$carafe" set "$segment" "$(printf '%04000d' "$i")"; done  # more than a pipe holds
"$carafe" keys "$segment" -k 2>"$folder/err" | head -1 >/dev/null
equal "exit code when the reader leaves" "${PIPESTATUS[0]}" 0
equal "message when the reader leaves" "$(<"$folder/err")" ""
"$carafe" keys "$segment" -k >/dev/full 2>"$folder/err"
equal "exit code when the disk is full" "$?" 1
contains "message" "$(<"$folder/err")" "No space left"
expect 3 "$carafe" keys "$segment-absent"
finish
