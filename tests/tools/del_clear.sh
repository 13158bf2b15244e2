#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe del and clear.
source "$(dirname "$0")/common.sh"
create "$segment"

for key in a b c "[d,e]" "{}" "%%"; do "$carafe" set "$segment" "$key" value; done
expect 0 "$carafe" del "$segment" a
equal "what del says" "$out" "deleted 1 of 1 keys in $segment"
expect 3 "$carafe" get "$segment" a
expect 3 "$carafe" del "$segment" a
expect 3 "$carafe" del "$segment" a b -q
equal "quiet output" "$out" ""
expect 3 "$carafe" get "$segment" b
expect 0 "$carafe" del "$segment" "[d,e]" "{}" "%%"
equal "what del says" "$out" "deleted 3 of 3 keys in $segment"
expect 3 "$carafe" del "$segment" c absent --json
equal "deleted" "$(json 'o["deleted"]')" 1
equal "keys" "$(json '[(k["key"], k["status"]) for k in o["keys"]]')" "[('c', 'ok'), ('absent', 'not_found')]"
"$carafe" set "$segment" -e '\x00\xff' value
expect 0 "$carafe" del "$segment" -e '\x00\xff' --json
equal "key_hex" "$(json 'o["keys"][0]["key_hex"]')" 00ff
expect 2 "$carafe" del "$segment"
expect 2 "$carafe" del "$segment" ""
expect 3 "$carafe" del "$segment-absent" a

for i in {1..20}; do "$carafe" set "$segment" "key $i" value; done
expect 0 "$carafe" clear "$segment"
matches "what clear says" "$out" "^cleared $segment: 20 items"
expect 3 "$carafe" get "$segment" "key 1"
expect 0 "$carafe" keys "$segment" -k
equal "keys after clear" "$out" ""
expect 0 "$carafe" clear "$segment" --json
equal "items at the second clear" "$(json 'o["items"]')" 0
epoch=$(json 'o["epoch"]')
expect 0 "$carafe" clear "$segment" --json
equal "epoch after one more clear" "$(json 'o["epoch"]')" $((epoch + 1))
expect 0 "$carafe" stat "$segment" --json
equal "items and clears" "$(json 'o["items"], o["clears"]')" "(0, 3)"
expect 0 "$carafe" set "$segment" "key 1" again
expect 0 "$carafe" get "$segment" "key 1"
equal "value after clear" "$out" again
expect 3 "$carafe" clear "${segment}x"
contains "the near name" "$err" "did you mean \"$segment\"?"
finish
