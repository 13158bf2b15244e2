#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe set and get: any bytes in, the same bytes out; time to live; refusals.
source "$(dirname "$0")/common.sh"
create "$segment"

# round_trip WHAT FILE: stores the file from standard input and compares what comes back.
round_trip() {
  "$carafe" set "$segment" file <"$2" || fail "set of $1"
  run "$carafe" get "$segment" file
  cmp -s "$2" "$folder/out" || fail "$1 came back changed"
}

expect 0 "$carafe" set "$segment" key value
equal "output of set" "$out" ""
expect 0 "$carafe" get "$segment" key
equal "value" "$out" value
equal "bytes of value" "$(stat -c %s "$folder/out")" 5

printf 'from standard input' | "$carafe" set "$segment" key - || fail "set from -"
equal "value" "$("$carafe" get "$segment" key)" "from standard input"
: >"$folder/empty"
round_trip "an empty value" "$folder/empty"
printf '\0\n\xff\x00\r\n\x1b[31m\n' >"$folder/binary"
round_trip "a binary value" "$folder/binary"
head -c 300000 /dev/urandom >"$folder/long"
round_trip "a long value" "$folder/long"

# Values and keys that a parser might take for something else.
for text in "" "[1,2,3]" "{}" '{"a":1}' "%%" "[]" "a=b" "-5" "ls" "$(printf '\x01x')"; do
  expect 0 "$carafe" set "$segment" odd "$text"
  expect 0 "$carafe" get "$segment" odd
  equal "odd value" "$out" "$text"
  [[ -n $text ]] || continue
  expect 0 "$carafe" set "$segment" "$text" "held"
  expect 0 "$carafe" get "$segment" "$text"
  equal "value of odd key ${text@Q}" "$out" "held"
done
expect 0 "$carafe" set "$segment" -- --json --bytes
expect 0 "$carafe" get "$segment" -- --json
equal "value of the key --json" "$out" "--bytes"

# Keys with any bytes, by --escaped.
expect 0 "$carafe" set "$segment" --escaped 'nul\x00and\\slash' v1
expect 0 "$carafe" get "$segment" -e 'nul\x00and\\slash'
equal "value" "$out" v1
expect 3 "$carafe" get "$segment" 'nul\x00and\\slash'
expect 2 "$carafe" get "$segment" -e 'bad\q'
expect 2 "$carafe" get "$segment" -e 'bad\x1'
expect 0 "$carafe" get "$segment" -e --json 'nul\x00and\\slash'
equal "key in JSON" "$(json 'ascii(o["key"])')" "'nul\\x00and\\\\slash'"

# JSON of a value that is no UTF-8.
printf 'a\xffb' | "$carafe" set "$segment" raw
expect 0 "$carafe" get "$segment" raw --json
equal "value" "$(json 'o["value"]')" 'a\xffb'
equal "value_hex" "$(json 'o["value_hex"]')" 61ff62
equal "value_bytes" "$(json 'o["value_bytes"]')" 3
equal "ttl_ms" "$(json 'o["ttl_ms"]')" None
printf 'gr\xc3\xbcn' | "$carafe" set "$segment" text
expect 0 "$carafe" get "$segment" text --json
equal "value" "$(json 'ascii(o["value"]) + str("value_hex" in o)')" "'gr\\xfcn'False"

# Time to live.
expect 0 "$carafe" set "$segment" short value --ttl 300ms
expect 0 "$carafe" set "$segment" medium value --ttl 1h30m --json
equal "ttl_ms" "$(json 'o["ttl_ms"]')" 5400000
expect 0 "$carafe" get "$segment" medium --json
[[ $(json '5300000 < o["ttl_ms"] <= 5400004') == True ]] || fail "time left: $out"
expect 0 "$carafe" set "$segment" long value --ttl forever
sleep 0.5
expect 3 "$carafe" get "$segment" short
expect 0 "$carafe" get "$segment" medium
expect 0 "$carafe" get "$segment" long
expect 0 "$carafe" set "$segment" long value --ttl 0
expect 3 "$carafe" get "$segment" long
for ttl in 5 5x m 1h30 -5s 5.5s 99999999999999999999s 9999999999999999w forever5; do
  expect 2 "$carafe" set "$segment" key value "--ttl=$ttl"
done

# Refusals. A value that is too large takes the old one with it.
expect 2 "$carafe" set "$segment" "" value
expect 2 "$carafe" set "$segment" "$(head -c 4097 /dev/zero | tr '\0' k)" value
expect 0 "$carafe" set "$segment" "$(head -c 4096 /dev/zero | tr '\0' k)" value
expect 0 "$carafe" set "$segment" key value
head -c $((2 << 20)) /dev/zero | "$carafe" set "$segment" key 2>"$folder/err"
equal "exit code for a value that is too large" "${PIPESTATUS[1]}" 5
contains "message" "$(<"$folder/err")" "too_large"
expect 3 "$carafe" get "$segment" key
expect 3 "$carafe" get "$segment" absent
contains "message" "$err" "absent"
expect 3 "$carafe" set "$segment-absent" key value
expect 3 "$carafe" get "$segment-absent" key
expect 2 "$carafe" set "$segment"
expect 2 "$carafe" get "$segment"
expect 2 "$carafe" get "$segment" key more

# A get of the tool is no hit and no miss.
"$carafe" stat "$segment" --json >"$folder/before"
expect 0 "$carafe" get "$segment" medium
expect 3 "$carafe" get "$segment" absent
"$carafe" stat "$segment" --json >"$folder/out"
equal "gets after looking" "$(json '(o["gets"], o["hits"], o["misses"])')" "(0, 0, 0)"
finish
