#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe clear of a namespace, of tags, and by the names of keys; set --tag.
source "$(dirname "$0")/common.sh"
create "$segment"

# fill: twelve keys in each of three places.
fill() {
  local where i
  for where in "" "--namespace products" "--namespace products --release v1"; do
    # shellcheck disable=SC2086
    for i in {1..12}; do "$carafe" set "$segment" "page:$i" value $where; done
  done
}
# left WANTED: how many keys there are in the three places.
left() {
  local found=() where
  for where in "" "--namespace products" "--namespace products --release v1"; do
    # shellcheck disable=SC2086
    run "$carafe" keys "$segment" -k $where
    found+=("$(wc -l <"$folder/out")")
  done
  equal "keys that are left (line ${BASH_LINENO[0]})" "${found[*]}" "$1"
}

fill
left "12 12 12"
expect 0 "$carafe" clear "$segment" --namespace products
equal "what clear says" "$out" "cleared namespace \"products\" in segment \"$segment\": 12 items, clear number 1; workers go on"
left "12 0 12"
fill
expect 0 "$carafe" clear "$segment" --namespace products --release v1 --json
equal "clear in JSON" "$(json 'o["name"], o["namespace"], o["release"], o["items"], o["clears"]')" "('$segment', 'products', 'v1', 12, 1)"
left "12 12 0"
expect 0 "$carafe" namespaces "$segment" --json
equal "clears" "$(json 'sorted((n["name"], n["release"], n["clears"], n["items"]) for n in o["namespaces"])')" "[('products', '', 1, 12), ('products', 'v1', 1, 0)]"
expect 3 "$carafe" clear "$segment" --namespace products --release v2
left "12 12 0"

# By name.
fill
expect 0 "$carafe" clear "$segment" --prefix page:1
equal "what clear says" "$out" "erased 4 items whose keys begin with \"page:1\" in $segment"
left "8 12 12"
expect 0 "$carafe" clear "$segment" --match 'page:[2-4]' --namespace products --release v1 --json
equal "clear --match in JSON" "$(json 'o["name"], o["namespace"], o["release"], o["match"], o["erased"]')" "('$segment', 'products', 'v1', 'page:[2-4]', 3)"
left "8 12 9"
expect 0 "$carafe" clear "$segment" --match 'page:?' --namespace products
equal "what clear says" "$out" "erased 9 items whose keys match \"page:?\" in namespace \"products\" in segment \"$segment\""
left "8 3 9"
expect 0 "$carafe" clear "$segment" --prefix other: --json
equal "clear --prefix in JSON" "$(json 'o["prefix"], o["erased"], "namespace" in o')" "('other:', 0, False)"
expect 0 "$carafe" clear "$segment" --match page
left "8 3 9"
expect 0 "$carafe" clear "$segment" --prefix "" -q
equal "quiet output" "$out" ""
left "0 3 9"
for key in '[a]' '{}' '%%' 'odd\x00\xff'; do "$carafe" set "$segment" -e "$key" value; done
expect 0 "$carafe" clear "$segment" --prefix '[a'
contains "what clear says" "$out" "erased 1 items"
expect 0 "$carafe" clear "$segment" --match='[%{]*'
contains "what clear says" "$out" "erased 2 items"
expect 0 "$carafe" clear "$segment" -e --prefix 'odd\x00' --json
equal "an odd prefix" "$(json 'ascii(o["prefix"]), o["erased"]')" "(\"'odd\\\\x00'\", 1)"
expect 0 "$carafe" clear "$segment" --prefix $'\xff\n'
contains "an odd prefix for people" "$out" 'begin with "\xff\x0a"'

# By tag, in whatever namespace.
for where in "" "--namespace products" "--namespace products --release v1"; do
  # shellcheck disable=SC2086
  expect 0 "$carafe" set "$segment" red value --tag red --tag "all of them" $where
  # shellcheck disable=SC2086
  expect 0 "$carafe" set --tag blue "$segment" $where --tag "all of them" blue value
  # shellcheck disable=SC2086
  expect 0 "$carafe" set "$segment" plain value $where
done
left "3 6 12"
expect 0 "$carafe" clear "$segment" --tag red
equal "what clear says" "$out" "cleared what has the tag \"red\" in $segment; workers go on"
left "2 5 11"
expect 3 "$carafe" get "$segment" red --namespace products
expect 0 "$carafe" get "$segment" blue --namespace products
expect 0 "$carafe" clear "$segment" --tag green --tag "all of them" --json
equal "clear --tag in JSON" "$(json 'o["name"], [t["tag"] for t in o["tags"]]')" "('$segment', ['green', 'all of them'])"
left "1 4 10"
expect 0 "$carafe" set "$segment" odd value -e --tag '\x00\xff'
expect 0 "$carafe" clear "$segment" -e --tag '\x00\xff' --json
equal "an odd tag" "$(json 'o["tags"][0]["tag_hex"]')" 00ff
expect 3 "$carafe" get "$segment" odd

# Plain clear takes all of it.
expect 0 "$carafe" clear "$segment"
left "0 0 0"

# One kind at a time, and nothing by half.
expect 0 "$carafe" set "$segment" red value --tag red
long=$(printf '%0257d' 0)
expect 2 "$carafe" clear "$segment" --tag red --tag ""
expect 2 "$carafe" clear "$segment" --tag red --tag "$long"
contains "message" "$err" "1 to 256"
expect 2 "$carafe" clear "$segment" --tag red -e --tag 'bad\q'
expect 2 "$carafe" clear "$segment" --tag red --prefix red
expect 2 "$carafe" clear "$segment" --tag red --match red
expect 2 "$carafe" clear "$segment" --prefix red --match red
expect 2 "$carafe" clear "$segment" --tag red --namespace products
expect 2 "$carafe" clear "$segment" --tag
expect 2 "$carafe" clear "$segment" -e --prefix 'red\q'
expect 0 "$carafe" get "$segment" red
expect 2 "$carafe" set "$segment" key value --tag ""
expect 2 "$carafe" set "$segment" key value --tag "$long"
expect 2 "$carafe" set "$segment" key value --tag=1 --tag=2 --tag=3 --tag=4 --tag=5 --tag=6 --tag=7 --tag=8 --tag=9
expect 0 "$carafe" set "$segment" key value --tag=1 --tag=2 --tag=3 --tag=4 --tag=5 --tag=6 --tag=7 --tag=8
expect 3 "$carafe" clear "$segment-absent" --tag red
expect 3 "$carafe" clear "$segment-absent" --prefix red
finish
