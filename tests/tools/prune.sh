#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe prune: every release but one goes, and what has none stays.
source "$(dirname "$0")/common.sh"
create "$segment"
expect 0 "$carafe" prune "$segment" --keep v2
equal "nothing to prune" "$out" "dropped 0 namespaces in $segment, of other releases than \"v2\""

for release in "" v1 v2 v20; do
  for name in products search; do "$carafe" set "$segment" key value --namespace "$name" --release "$release"; done
done
"$carafe" set "$segment" key value
# names: what there is, in one line.
names() {
  expect 0 "$carafe" namespaces "$segment" --sort name --json
  json '" ".join(n["name"] + "@" + n["release"] for n in o["namespaces"])'
}
all="products@ products@v1 products@v2 products@v20 search@ search@v1 search@v2 search@v20"
equal "namespaces" "$(names)" "$all"

cp "/dev/shm/carafe.$segment" "$folder/before"
expect 0 "$carafe" prune "$segment" --keep v2 --dry-run
matches "what a dry run says" "$out" "^would drop \"products\" of release \"v1\": 1 items, [0-9]+ bytes"$'\n'
contains "what a dry run says" "$out" $'\n'"would drop 4 namespaces in $segment, of other releases than \"v2\""
expect 0 "$carafe" prune "$segment" --keep v2 --dry-run --json
equal "a dry run in JSON" "$(json 'o["name"], o["kept"], o["dry_run"], [n["name"] + n["release"] for n in o["namespaces"]], o["namespaces"][0]["items"]')" \
  "('$segment', 'v2', True, ['productsv1', 'productsv20', 'searchv1', 'searchv20'], 1)"
cmp "/dev/shm/carafe.$segment" "$folder/before" || fail "a dry run changed the segment"

expect 0 "$carafe" prune "$segment" --keep v2 --json
equal "prune in JSON" "$(json 'o["dry_run"], [n["name"] + n["release"] for n in o["namespaces"]]')" "(False, ['productsv1', 'productsv20', 'searchv1', 'searchv20'])"
equal "namespaces that are left" "$(names)" "products@ products@v2 search@ search@v2"
expect 3 "$carafe" get "$segment" key --namespace products --release v1
for release in "" v2; do expect 0 "$carafe" get "$segment" key --namespace products --release "$release"; done
expect 0 "$carafe" get "$segment" key

# An old worker goes on: it makes its namespace anew, empty, and the next prune takes that.
"$carafe" set "$segment" key old --namespace products --release v1
"$carafe" hold "$segment" 20 --get key --namespace products --release v1 >"$folder/holding" &
holder=$!
for i in {1..100}; do [[ -s $folder/holding ]] && break; sleep 0.1; done
expect 0 "$carafe" prune "$segment" --keep v2
matches "what prune says" "$out" "^dropped \"products\" of release \"v1\": 1 items"
kill -0 "$holder" || fail "the worker is gone"
expect 3 "$carafe" get "$segment" key --namespace products --release v1
release

# A release that nobody has: all of them go.
expect 0 "$carafe" prune "$segment" --keep v3 -q
equal "quiet output" "$out" ""
equal "namespaces that are left" "$(names)" "products@ search@"

# Names of any bytes.
"$carafe" set "$segment" key value -e --namespace 'a\x00' --release '\x1b\xff'
"$carafe" set "$segment" key value -e --namespace 'a\x00' --release '\x1b\xfe'
expect 0 "$carafe" prune "$segment" -e --keep '\x1b\xfe' --json
equal "odd names in JSON" "$(json 'o["kept_hex"], ascii(o["namespaces"][0]["name"]), o["namespaces"][0]["release_hex"]')" "('1bfe', \"'a\\\\x00'\", '1bff')"
expect 0 "$carafe" prune "$segment" --keep v1
contains "an odd name" "$out" 'dropped "a\x00" of release "\x1b\xfe"'
[[ $out != *$'\x1b'* ]] || fail "escape sequences from a name: $out"

# An empty release is a script's mistake, and would take all.
"$carafe" set "$segment" key value --namespace products --release v1
expect 2 "$carafe" prune "$segment" --keep ""
expect 2 "$carafe" prune "$segment" --keep "$(printf '%041d' 0)"
contains "message" "$err" "1 to 40"
expect 2 "$carafe" prune "$segment"
expect 2 "$carafe" prune "$segment" -e --keep 'bad\q'
expect 2 "$carafe" prune
expect 3 "$carafe" prune "$segment-absent" --keep v1
expect 3 "$carafe" prune "$segment-absent" --keep v1 --dry-run
equal "namespaces after mistakes" "$(names)" "products@ products@v1 search@"
finish
