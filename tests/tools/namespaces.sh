#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe namespaces, and --namespace of keys, get, set and del.
source "$(dirname "$0")/common.sh"
create "$segment"
columns="NAMESPACE +RELEASE +GETS +HITS +HIT% +SETS +EVICTED +ITEMS +BYTES +QUOTA"

expect 0 "$carafe" namespaces "$segment"
matches "a segment without namespaces" "$out" "^$columns$"
expect 0 "$carafe" namespaces "$segment" --json
equal "the same in JSON" "$(json 'o["namespaces"]')" "[]"
expect 0 "$carafe" stat "$segment"
[[ $out != *amespace* ]] || fail "stat speaks of namespaces where there are none: $out"

# The same key in five places is five keys.
expect 0 "$carafe" set "$segment" key none
expect 0 "$carafe" set "$segment" key plain --namespace products
expect 0 "$carafe" set "$segment" key old --namespace products --release v1
expect 0 "$carafe" set "$segment" key new --namespace products --release v2 --ttl 1h
expect 0 "$carafe" set "$segment" key found --namespace search
expect 0 "$carafe" set "$segment" "another key" "$(printf '%0500d' 0)" --namespace search
# value_in WANTED OPTION...
value_in() {
  expect 0 "$carafe" get "$segment" key "${@:2}"
  equal "value in ${*:2}" "$out" "$1"
}
value_in none
value_in plain --namespace products
value_in plain --namespace products --release ""
value_in old --release v1 --namespace products
value_in new --namespace=products --release=v2
value_in found --namespace search
expect 0 "$carafe" get "$segment" key --namespace products --release v2 --json
equal "get in JSON" "$(json 'o["namespace"], o["release"], o["value"], 3500000 < o["ttl_ms"] <= 3600004')" "('products', 'v2', 'new', True)"
expect 3 "$carafe" get "$segment" absent --namespace search
contains "message" "$err" "\"absent\" in namespace \"search\" in segment \"$segment\""
expect 0 "$carafe" set "$segment" third value --namespace products --release v1 --json
equal "set in JSON" "$(json 'o["name"], o["namespace"], o["release"], o["key"]')" "('$segment', 'products', 'v1', 'third')"

expect 0 "$carafe" keys "$segment" -k
equal "keys of no namespace" "$out" key
expect 0 "$carafe" keys "$segment" -k --namespace search --match '* *'
equal "keys that match in a namespace" "$out" "another key"
expect 0 "$carafe" keys "$segment" --namespace products --release v1 --json
equal "keys in JSON" "$(json 'o["name"], o["namespace"], o["release"], sorted(k["key"] for k in o["keys"])')" "('$segment', 'products', 'v1', ['key', 'third'])"
expect 0 "$carafe" keys "$segment" --json
equal "keys of no namespace in JSON" "$(json 'sorted(o)')" "['keys', 'name']"

expect 0 "$carafe" del "$segment" third --namespace products --release v1
equal "what del says" "$out" "deleted 1 of 1 keys in namespace \"products\" of release \"v1\" in segment \"$segment\""
expect 3 "$carafe" del "$segment" third --namespace products --release v1 --json
equal "del in JSON" "$(json 'o["namespace"], o["release"], o["deleted"]')" "('products', 'v1', 0)"
value_in old --namespace products --release v1

# Counters: what a worker does counts, what the tool looks at does not.
run "$carafe" hold "$segment" 0.5 --get key --namespace search --quota 64K -q
run "$carafe" hold "$segment" 0.2 --get key --namespace products --release v2 -q
run "$carafe" hold "$segment" 0.3 --get absent --namespace products -q
expect 0 "$carafe" namespaces "$segment" --json
equal "fields" "$(json 'sorted(o["namespaces"][0])')" \
  "['bytes_used', 'clears', 'evictions', 'gets', 'hit_ratio', 'hits', 'items', 'misses', 'name', 'quota_bytes', 'release', 'sets']"
equal "gets are hits and misses" "$(json 'all(n["gets"] == n["hits"] + n["misses"] for n in o["namespaces"])')" True
equal "exact figures" "$(json 'sorted((n["name"], n["release"], n["sets"], n["items"], n["quota_bytes"]) for n in o["namespaces"])')" \
  "[('products', '', 1, 1, 0), ('products', 'v1', 2, 1, 0), ('products', 'v2', 1, 1, 0), ('search', '', 2, 2, 65536)]"
equal "hit rates" "$(json 'sorted((n["name"] + n["release"], n["hit_ratio"]) for n in o["namespaces"])')" \
  "[('products', 0.0), ('productsv1', 0.0), ('productsv2', 1.0), ('search', 1.0)]"
hits=$(json '[n["hits"] for n in o["namespaces"] if n["name"] == "search"][0]')
((hits > 5)) || fail "only $hits hits of a worker that got a key for half a second"
expect 0 "$carafe" namespaces "$segment"
matches "header" "$(head -1 "$folder/out")" "^$columns$"
matches "a line" "$out" $'\n'"search +- +$hits +$hits +100\.0 +2 +0 +2 +[0-9]+ +64K"
matches "a line with a release" "$out" $'\n'"products +v1 +0 +0 +- +2 +0 +1 +[0-9]+ +-"
expect 0 "$carafe" namespaces "$segment" --bytes
matches "an exact line" "$out" $'\n'"search .* 65536"

# How often the workers got their key depends on how busy this machine is.
for order in gets hits misses bytes name; do
  expect 0 "$carafe" namespaces "$segment" --sort "$order" --json
  field=${order/bytes/bytes_used}
  equal "order by $order" "$(json "o['namespaces'] == sorted(o['namespaces'], key=lambda n: (0 if '$order' == 'name' else -n['$field'], n['name'], n['release']))")" True
done
expect 0 "$carafe" namespaces "$segment" --json
equal "the default" "$(json 'o["namespaces"] == sorted(o["namespaces"], key=lambda n: (-n["gets"], n["name"], n["release"]))')" True
expect 0 "$carafe" namespaces "$segment" --sort bytes --limit 1
equal "lines under a limit" "$(wc -l <"$folder/out")" 2
matches "the first one" "$(tail -1 "$folder/out")" "^search "

# stat has the five with most gets, and all in JSON.
expect 0 "$carafe" stat "$segment"
matches "namespaces in stat" "$out" $'\n'"namespaces:"$'\n'"$columns"$'\n.*\n'"search +- +$hits |"$'\n'"namespaces:"$'\n'"$columns"$'\n'"search +- +$hits "
for i in {1..4}; do "$carafe" set "$segment" key value --namespace "more $i"; done
expect 0 "$carafe" stat "$segment"
contains "namespaces in stat" "$out" $'\n'"namespaces: 8, the 5 with most gets (all: carafe namespaces $segment)"$'\n'
[[ $out == *"more 2"* && $out != *"more 3"* ]] || fail "not five namespaces in stat: $out"
expect 0 "$carafe" stat "$segment" --json
equal "namespaces in JSON of stat" "$(json 'len(o["namespaces"]), [n["hits"] for n in o["namespaces"] if n["name"] == "search"]')" "(8, [$hits])"

# -w: what happens in each interval.
"$carafe" hold "$segment" 30 --get key --namespace search -q &
expect 0 "$carafe" namespaces "$segment" -w 0.5 -n 2 --sort hits --limit 1
matches "rates" "$out" "^NAMESPACE +RELEASE +GETS/S +HITS/S +HIT% +SETS/S +EVICTED/S .*"$'\n'"search +- +[1-9][0-9]* +[1-9][0-9]* +100\.0 +0 +0 +2 .*"$'\n\n'"NAMESPACE"
expect 0 "$carafe" namespaces "$segment" -w 0.5 -n 2 --json
equal "objects of -w" "$(wc -l <"$folder/out")" 2
tail -1 "$folder/out" >"$folder/line" && mv "$folder/line" "$folder/out"
equal "an object of -w" "$(json 'o["name"], 0.3 < o["seconds"] < 5, len(o["namespaces"]), o["namespaces"][0]["name"], 0 < o["namespaces"][0]["gets"] < 5000, o["namespaces"][0]["sets"]')" \
  "('$segment', True, 8, 'search', True, 0)"
kill %1
(sleep 0.5; "$carafe" rm "$segment" -q --yes) &
expect 3 timeout 20 "$carafe" namespaces "$segment" -w 0.2
create "$segment"
timeout 20 "$carafe" namespaces "$segment" -w 0.1 2>"$folder/err" | head -2 >/dev/null
equal "exit code when the reader leaves" "${PIPESTATUS[0]}" 0

# Names of any bytes: escaped for people, exact in JSON, and typed as they were printed.
expect 0 "$carafe" set "$segment" key value -e --namespace 'nul\x00\x1b[31m\xff\\' --release '\x0a\xfe'
expect 0 "$carafe" set "$segment" key value --namespace "gr$(printf '\xc3\xbc')n" --release '[a,b]'
expect 0 "$carafe" set "$segment" key value --namespace '{}' --release '%%'
expect 0 "$carafe" namespaces "$segment" --sort name
contains "an odd name" "$out" $'\n''nul\x00\x1b[31m\xff\\  \x0a\xfe '
contains "an odd name" "$out" $'\n''gr\xc3\xbcn '
[[ $out != *$'\x1b'* ]] || fail "escape sequences from a name: $out"
expect 0 "$carafe" stat "$segment"
contains "an odd name in stat" "$out" $'\n''nul\x00\x1b[31m\xff\\  \x0a\xfe '
expect 0 "$carafe" namespaces "$segment" --sort name --json
equal "odd names in JSON" "$(json '[ascii(n.get("name_hex", n["name"])) + ascii(n.get("release_hex", n["release"])) for n in o["namespaces"]]')" \
  "[\"'gr\\\\xfcn''[a,b]'\", \"'6e756c001b5b33316dff5c''0afe'\", \"'{}''%%'\"]"
expect 0 "$carafe" get "$segment" key -e --namespace 'nul\x00\x1b[31m\xff\\' --release '\x0a\xfe' --json
equal "an odd name in JSON of get" "$(json 'o["namespace_hex"], o["release_hex"]')" "('6e756c001b5b33316dff5c', '0afe')"
expect 0 "$carafe" keys "$segment" -k --namespace '{}' --release '%%'
equal "keys in a namespace called {}" "$out" key
expect 3 "$carafe" get "$segment" key --namespace $'\x1b[31m'
contains "message" "$err" 'no namespace "\x1b[31m"'
contains "message" "$err" '"nul\x00\x1b[31m\xff\\" of release "\x0a\xfe"'
[[ $err != *$'\x1b'* ]] || fail "escape sequences in a message: $err"
expect 2 "$carafe" get "$segment" key -e --namespace 'bad\q'
expect 2 "$carafe" keys "$segment" -e --namespace x --release 'bad\q'

# None of that name: only set makes one.
create "$segment-other"
for verb in "keys %" "get % key" "del % key" "clear %" "clear % --prefix key" "clear % --match=*"; do
  # shellcheck disable=SC2086
  expect 3 "$carafe" ${verb//%/$segment-other} --namespace products
  contains "message of $verb" "$err" "no namespace \"products\" in segment \"$segment-other\"; it has none"
done
for i in {01..12}; do "$carafe" set "$segment-other" key value --namespace "shelf $i"; done
"$carafe" set "$segment-other" key value --namespace product --release v1
for verb in "keys %" "get % key" "del % key" "clear %" "clear % --prefix key" "clear % --match=*"; do
  # shellcheck disable=SC2086
  expect 3 "$carafe" ${verb//%/$segment-other} --namespace products
  contains "message of $verb" "$err" "there is \"product\" of release \"v1\", \"shelf 01\","
  contains "message of $verb" "$err" "\"shelf 09\" and 3 more (carafe namespaces $segment-other)"
done
expect 3 "$carafe" get "$segment-other" key --namespace product
contains "message" "$err" "there is \"product\" of release \"v1\","
expect 0 "$carafe" namespaces "$segment-other" --json
equal "namespaces after asking for others" "$(json 'sorted({n["name"][:7] for n in o["namespaces"]}), len(o["namespaces"])')" "(['product', 'shelf 0', 'shelf 1'], 13)"

# No room for another one.
create "$segment-few" --max-namespaces 2
expect 0 "$carafe" set "$segment-few" key value --namespace a
expect 0 "$carafe" set "$segment-few" key value --namespace a --release v1
expect 5 "$carafe" set "$segment-few" key value --namespace b
contains "message" "$err" "max_namespaces"
expect 0 "$carafe" set "$segment-few" key again --namespace a

# Names that cannot be, and other misuse.
long=$(printf '%089d' 0)
for verb in "keys %" "get % key" "set % key value" "del % key" "clear %"; do
  # shellcheck disable=SC2086
  expect 2 "$carafe" ${verb//%/$segment} --namespace ""
  # shellcheck disable=SC2086
  expect 2 "$carafe" ${verb//%/$segment} --namespace "$long"
  contains "message of $verb" "$err" "1 to 88"
  # shellcheck disable=SC2086
  expect 2 "$carafe" ${verb//%/$segment} --namespace a --release "${long:0:41}"
  contains "message of $verb" "$err" "up to 40"
  # shellcheck disable=SC2086
  expect 2 "$carafe" ${verb//%/$segment} --release v1
  contains "message of $verb" "$err" "--namespace"
done
expect 0 "$carafe" set "$segment" key value --namespace "${long:0:88}" --release "${long:0:40}"
expect 0 "$carafe" get "$segment" key --namespace "${long:0:88}" --release "${long:0:40}"
expect 2 "$carafe" namespaces
expect 2 "$carafe" namespaces "$segment" --sort age
contains "message" "$err" "bytes"
expect 2 "$carafe" namespaces "$segment" -n 3
expect 2 "$carafe" namespaces "$segment" -w 0
expect 2 "$carafe" namespaces "$segment" --limit -1
expect 3 "$carafe" namespaces "$segment-absent"

# Scribbled over: whatever it shows, it ends, and shows it printable.
size=$(stat -c %s "/dev/shm/carafe.$segment")
head -c $((size - 4096)) /dev/urandom | dd of="/dev/shm/carafe.$segment" bs=4096 seek=1 conv=notrunc status=none
for verb in "namespaces %" "namespaces % --json" "stat %" "keys % --namespace products" "prune % --keep v1 --dry-run"; do
  # shellcheck disable=SC2086
  run timeout 20 "$carafe" ${verb//%/$segment}
  ((code <= 6)) || fail "exit code $code of $verb in a scribbled segment"
  ! LC_ALL=C grep -q '[^ -~]' "$folder/out" || fail "unprintable bytes from $verb"
done
finish
