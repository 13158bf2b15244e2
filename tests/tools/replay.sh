#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe-replay: known traces and their known miss ratios; formats; processes and kills; errors.
source "$(dirname "$0")/common.sh"
replay=$(dirname "$carafe")/carafe-replay
[[ -x $replay ]] || { echo "not executable: $replay" >&2; exit 1; }
cd "$folder" || exit 1

# expect CODE COMMAND...: as in common.sh, but this tool's errors begin with its own name.
expect() {
  local wanted=$1
  shift
  run "$@" </dev/null
  [[ $code == "$wanted" ]] || fail "exit code $code instead of $wanted of: ${*@Q}: $err"
  [[ $wanted == 0 || $err == "carafe-replay: "* ]] || fail "no message on standard error of: ${*@Q}: \"$err\""
}
# misses POLICY: of the last JSON, of one room. (Python's start would cost more than most of what is tested here.)
misses() { sed -nE "s/.*\"policy\":\"$1\",\"gets\":[0-9]+,\"hits\":[0-9]+,\"misses\":([0-9]+),.*/\1/p" "$folder/out"; }

# The textbook's reference string: FIFO 15 faults, LRU 12, the optimum 9.
printf '%s\n' 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 >book.keys
expect 0 "$replay" book.keys --items 3 --policies fifo,lru,opt --json
equal "misses" "$(misses fifo) $(misses lru) $(misses opt)" "15 12 9"
equal "trace" "$(json '(o["trace"]["name"], o["trace"]["format"], o["trace"]["requests"], o["trace"]["objects"])')" "('book.keys', 'keys', 20, 6)"
expect 0 "$replay" book.keys --items 3 --policies fifo,lru,opt
contains "table" "$out" $'FRACTION  ITEMS    FIFO     LRU     OPT\n       -      3  0.7500  0.6000  0.4500'
expect 0 "$replay" book.keys --fractions 0.5 --policies lru -q
equal "table alone" "$out" $'FRACTION  ITEMS     LRU\n     0.5      3  0.6000'

# The same from standard input, as CSV, packed, and as oracleGeneral.
run "$replay" - --items 3 --policies lru --json <book.keys
equal "misses from standard input" "$code $(misses lru)" "0 12"
(echo key,size; sed 's/$/,100/' book.keys) >book.csv
expect 0 "$replay" book.csv --items 3 --policies lru --json
equal "misses of CSV" "$(misses lru)" 12
expect 0 "$replay" book.csv --bytes 468 --overhead 56 --policies lru,opt --json
equal "misses with bytes" "$(misses lru) $(json 'o["rooms"][0]["unit"], o["trace"]["unique_bytes"]')" "12 ('bytes', 600)"
python3 -c 'import struct, sys
for i, key in enumerate(open("book.keys")): sys.stdout.buffer.write(struct.pack("<IQIq", 100 + i, int(key), 100, -1))' >book.bin
expect 0 "$replay" book.bin --items 3 --policies lru,fifo --json
equal "misses of oracleGeneral" "$(json 'o["trace"]["format"]') $(misses lru) $(misses fifo)" "oracle 12 15"
if command -v zstd >/dev/null; then
  zstd -q book.csv
  run "$replay" - --items 3 --policies lru --json <book.csv.zst
  if [[ $err != *"without libzstd"* ]]; then
    equal "misses of packed CSV" "$code $(misses lru)" "0 12"
    head -c 40 book.csv.zst >short.csv.zst
    expect 6 "$replay" short.csv.zst
    contains "message" "$err" "short.csv.zst: broken zstd data"
  fi
fi

# Real carafe: with room for everything each key misses once, by one process or three; values and index included.
awk 'BEGIN { srand(5); for (i = 0; i < 20000; ++i) { u = rand(); print "key-" int(2000 * u * u) } }' >skewed.keys
expect 0 "$replay" skewed.keys --bytes 4M --policies carafe,lru --json
equal "misses with room for all" "$(misses carafe)" "$(json 'o["trace"]["objects"]')"
expect 0 "$replay" skewed.keys --bytes 4M --policies carafe --processes 3 --json
equal "misses of three processes" "$(misses carafe)" "$(json 'o["trace"]["objects"]')"
expect 0 "$replay" skewed.keys --items 600 --policies carafe,lru,opt --json --refill
[[ $(json 'abs(o["rooms"][0]["room"] - 600) < 20') == True ]] || fail "room for 600 items: $out"
[[ $(misses opt) -lt $(misses carafe) && $(misses carafe) -lt $(($(misses lru) * 11 / 10)) ]] || fail "misses out of order: $out"
[[ $(json 'o["rooms"][0]["refill"]["items"] > 0.95 * o["rooms"][0]["refill"]["fresh_items"]') == True ]] || fail "refill: $out"
expect 0 "$replay" skewed.keys --bytes 1M --policies carafe --processes 2 --kill-every 1000 --json
[[ $(json '10 < o["rooms"][0]["kills"] <= 20') == True ]] || fail "kills: $out"
equal "gets" "$(json 'o["rooms"][0]["policies"][0]["gets"]')" 20000

# Times to live run by the trace's clock, in carafe as in the simulated ones: hit, expired, hit, deleted, hit after a set.
printf '%s\n' k,10,1000,g,0 k,10,1000,g,900 k,10,1000,g,5000 k,10,1000,g,5900 k,10,1000,d,5950 k,10,1000,g,5960 k,10,1000,s,6000 \
  k,10,1000,g,6990 k,10,1000,g,7000 >ttl.csv
expect 0 "$replay" ttl.csv --bytes 1M --policies carafe,lru --json
equal "misses with times to live" "$(misses carafe) $(misses lru)" "4 4"
expect 0 "$replay" ttl.csv --bytes 1M --policies carafe,lru --json --real-time
equal "carafe's misses by the machine's clock" "$(misses carafe)" 2
expect 0 "$replay" ttl.csv --bytes 1M --policies carafe,lru --json --gets-only
equal "misses when all are gets" "$(misses carafe) $(misses lru)" "1 1"

# The curves.
expect 0 "$replay" skewed.keys --fractions 0.01,0.1,0.3 --policies lru,fifo,opt --svg curves.svg
equal "curves" "$(python3 -c 'import xml.etree.ElementTree as e
print(len(e.parse("curves.svg").getroot().findall("{http://www.w3.org/2000/svg}polyline")))')" 3

# What cannot be had is said, and the rest is done.
expect 0 "$replay" book.csv --fractions 0.5 --policies carafe,lru
contains "remark" "$out" "at least 1 MiB"

# Progress is for people: not in a pipe, and gone at the end on a terminal.
expect 0 "$replay" book.keys --items 3 --policies lru,fifo
equal "standard error" "$err" ""
on_terminal "" "$replay book.keys --items 3 --policies lru,fifo"
contains "what a terminal sees" "$out" $'\e[Kfifo, 3 items\e[K'
on_terminal "" "$replay book.keys --items 3 --policies lru,fifo -q"
[[ $out != *"3 items"* ]] || fail "progress in spite of -q: $out"

# Errors.
expect 2 "$replay"
expect 2 "$replay" book.keys --fractions 0.1 --items 5
expect 2 "$replay" book.keys --items nothing
contains "message" "$err" "--items"
expect 2 "$replay" book.keys --policies lru,belady
contains "message" "$err" 'there is no "belady"'
expect 2 "$replay" book.keys --policies lru,lru
expect 2 "$replay" book.keys --processes 0
expect 2 "$replay" book.keys --format xml
expect 3 "$replay" nowhere.csv
contains "message" "$err" "nowhere.csv"
expect 2 "$replay" .
# More than any machine has. Were it tried, the limit on the size of files would end it before the machine's memory does.
expect 5 bash -c "ulimit -f 4194304; exec '$replay' book.keys --bytes 1T --policies carafe"
contains "message" "$err" "to spare; try smaller sizes"
expect 1 "$replay" book.keys --items 3 --policies lru --svg nowhere/curves.svg
: >empty.csv
expect 6 "$replay" empty.csv
contains "message" "$err" "empty.csv is empty"
printf 'a,1\nb,2\nc,three\n' >broken.csv
expect 6 "$replay" broken.csv
contains "message" "$err" 'broken.csv: line 3 has "three" for size'
printf 'a\n\nb\n' >broken.keys
expect 6 "$replay" broken.keys
contains "message" "$err" "broken.keys: line 2:"
head -c 100 book.bin >short.bin
expect 6 "$replay" short.bin
contains "message" "$err" "short.bin: record 5: cut short"
if is_root; then
  carafe_for_nobody
  cp "$replay" carafe-replay-for-nobody && chmod 755 carafe-replay-for-nobody
  chmod 600 book.csv
  expect 4 as_nobody ./carafe-replay-for-nobody book.csv
fi
expect 0 "$replay" --version
contains "version" "$out" "carafe-replay"
expect 0 "$replay" --help
contains "help" "$out" "Exit codes"
finish
