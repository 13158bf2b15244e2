#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the models here with spin: each as it should be, where the search must end without an error, and in each wrong variant, where it
# must find one. Works in the current folder and writes nowhere else.
#
#   bash tests/model/run.sh                       all; about three minutes on two cores
#   CARAFE_TEST_SHORT=1 bash tests/model/run.sh   without the larger searches; one and a bit
#   bash tests/model/run.sh displace              one model
#
# Exit: 0 all as expected, 1 not, 77 spin or gcc is missing.
set -uo pipefail

models=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in spin gcc; do
  if ! command -v "$program" >/dev/null; then
    echo "models: skipped, $program is missing (apt-get install spin gcc)"
    exit 77
  fi
done

short=${CARAFE_TEST_SHORT:-0}
only=${1:-}
jobs=2
most_mib=2000
most_seconds=300

# model | name | expect | flags.  ok: no error, all searched; wrong: an error must be found. long and rare: the same, not in short runs.
runs='
core      | empty                 | ok    |
core      | full                  | ok    | -DFULL
core      | full, 3 chunks        | long  | -DFULL -DNCH=3
core      | full, both killed     | long  | -DFULL -DKILL_BOTH -DKILLS=2
core      | chain                 | long  | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY
core      | chain, no kill        | ok    | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY -DKILLS=0
core      | patient               | ok    | -DFULL -DPATIENT
core      | patient, chain        | long  | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY -DPATIENT
core      | BUMP_FIRST            | wrong | -DFULL
core      | FREE_BEFORE_BUMP      | wrong | -DFULL
core      | LINK_AFTER_PUBLISH    | wrong | -DFULL
core      | RECLAIM_NOBUMP        | wrong | -DFULL
core      | ERASE_NOBUMP          | wrong | -DFULL
core      | TIMEOUT_STEAL         | wrong | -DFULL
core      | SHARED_ID             | wrong | -DFULL
core      | NO_RECHECK            | wrong | -DFULL
core      | PARTS_BEFORE_ENTRY    | wrong | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY
core      | PART_NOT_MARKED       | wrong | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY
core      | HEAD_BEFORE_PARTS     | wrong | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY
core      | PART_RECLAIM_NOBUMP   | wrong | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY
core      | NO_GENERATION         | wrong | -DFULL -DPATIENT
core      | NO_ENTRY_CHECK        | wrong | -DFULL -DPATIENT
core      | SIDE_BEFORE_ENTRY     | wrong | -DNCH=3 -DCHAINS -DCHAIN_THERE -DONE_KEY -DPATIENT
slotlock  | as it is              | ok    |
slotlock  | three slots           | ok    | -DNS=3
slotlock  | INC_BEFORE_LOCK       | wrong |
slotlock  | NO_INC_CHECK          | wrong |
slotlock  | NO_BYTE_CHECK         | wrong |
slotlock  | BLIND_TAKE_OVER       | wrong |
table     | as it is              | ok    |
table     | either killed         | long  | -DKILL_BOTH
table     | five chunks           | long  | -DNCH=5
table     | dropped               | long  | -DDROP
table     | NO_DIRECTORY_CHECK    | wrong |
table     | NO_CHANGE_COUNT       | wrong |
table     | PUBLISH_BEFORE_FILL   | wrong |
table     | LINK_AFTER_PUBLISH    | wrong |
table     | FREE_BEFORE_PUBLISH   | wrong |
table     | NO_SEEN_CHECK         | wrong |
table     | HAND_TAKES_ANY_TABLE  | wrong |
table     | TAKE_BEFORE_DROP      | wrong | -DDROP
table     | DROP_FORGETS_CHANGES  | rare  | -DDROP
displace  | as it is              | ok    |
displace  | walk                  | long  | -DWALK
displace  | twins there           | long  | -DTWINS_THERE
displace  | twins there, walk     | long  | -DTWINS_THERE -DWALK
displace  | CLEAR_BEFORE_COPY     | wrong |
displace  | NO_COPY_RAISE         | wrong |
displace  | NO_CLEAR_RAISE        | wrong |
displace  | MISS_CHECKS_ONE       | wrong |
displace  | TWINS_NOT_REMOVED     | wrong |
displace  | NO_RAISE_AT_TAKE_OVER | wrong |
displace  | MOVES_AFTER_CLEAR     | wrong | -DWALK
displace  | MOVES_BEFORE_COPY     | rare  | -DWALK
page_move | as it is              | ok    |
page_move | either killed         | long  | -DKILL_BOTH
page_move | CLASS_BEFORE_EMPTY    | wrong |
page_move | CLASS_BEFORE_CUT      | wrong |
page_move | CLAIM_WITHOUT_PAGE_LOCK | wrong |
page_move | NO_CLASS_CHECK        | wrong |
page_move | BITMAP_AFTER_FREE     | wrong |
page_move | EMPTY_NOBUMP          | wrong |
page_move | LIVE_CLAIM_IS_EMPTY   | wrong |
clear     | as it is              | ok    |
clear     | two clears, no kill   | long  | -DCLEARS=2 -DKILLS=0
clear     | EPOCH_AFTER_LOCK      | wrong |
clear     | NO_EPOCH_IN_READER    | wrong |
clear     | COPY_WITH_NEW_EPOCH   | wrong |
clear     | RESTART_DECIDED_EARLY | wrong |
clear     | DROP_DECIDED_EARLY    | rare  |
clear     | TABLE_EPOCH_NOT_RAISED | rare  |
lease     | erase, set, evict     | ok    | -DERASE -DSET -DEVICT -DREADER
lease     | loads again           | ok    | -DERASE -DLOADS=2
lease     | three, and no look    | ok    | -DLOADERS=3 -DERASE -DINVALIDATORS=0
lease     | loader killed         | ok    | -DERASE -DKILLS=1
lease     | loader killed, reader | long  | -DERASE -DSET -DREADER -DKILLS=1
lease     | eraser killed         | long  | -DERASE -DEVICT -DREADER -DKILLS=1 -DVICTIM=2
lease     | clear                 | ok    | -DCLEAR -DLOOKS=1 -DREADER
lease     | clear, loader killed  | long  | -DCLEAR -DLOOKS=2 -DKILLS=1
lease     | tag                   | ok    | -DTAG -DREADER
lease     | tag known early       | long  | -DTAG -DTAGGED_LEASE -DREADER
lease     | tag twice, and a set  | ok    | -DTAG -DSTORE -DREADER -DLOADERS=1 -DINVALIDATORS=2
lease     | tag, one killed       | long  | -DTAG -DSTORE -DREADER -DLOADERS=1 -DINVALIDATORS=2 -DKILLS=1 -DVICTIM=1
lease     | tag, loads again      | long  | -DTAG -DSTORE -DINVALIDATIONS=2
lease     | FILL_WITHOUT_TOKEN    | wrong | -DERASE -DLOADS=2
lease     | TOKEN_WITHOUT_GENERATION | wrong | -DERASE -DLOADS=2
lease     | FILL_WITHOUT_EPOCH    | wrong | -DCLEAR -DLOOKS=1 -DREADER
lease     | ABANDON_WITHOUT_TOKEN | wrong | -DERASE -DLOADS=2
lease     | BLIND_TAKE_OVER       | wrong | -DERASE -DKILLS=1
lease     | NO_TAKE_OVER          | wrong | -DERASE -DKILLS=1
lease     | SEQ_AFTER_LOOK        | wrong | -DERASE
lease     | FLAG_AFTER_LOOK       | wrong | -DERASE
lease     | FLAG_TAKEN_AFTER_SEQ  | wrong | -DERASE -DLOADS=2
lease     | FLAG_TAKEN_AFTER_UNLOCK | wrong | -DERASE -DLOADS=2
lease     | TOLD_BEFORE_LOCK      | wrong | -DERASE
lease     | WAKE_BEFORE_SEQ       | wrong | -DERASE
lease     | NOT_NOTED             | wrong | -DERASE
lease     | REFUSED_FILL_LEAVES_LEASE | wrong | -DTAG -DREADER
lease     | STAMP_AT_FILL         | wrong | -DTAG -DREADER
lease     | STAMP_AFTER_COMPUTING | wrong | -DTAG -DREADER
lease     | READER_IGNORES_STAMP  | wrong | -DTAG -DREADER -DLOADERS=1
lease     | SLOT_WITHOUT_MAX      | wrong | -DTAG -DREADER -DLOADERS=1 -DINVALIDATORS=2
lease     | SLOT_BEFORE_SEQ       | wrong | -DTAG -DREADER -DLOADERS=1 -DKILLS=1 -DVICTIM=1
'

# check NUMBER MODEL NAME EXPECT FLAGS: one run, in a folder of its own; its line of the table goes to NUMBER.row
check() {
  local number=$1 model=$2 name=$3 expect=$4 flags=$5 begin=$EPOCHREALTIME optimise=-O1 table=22 errors states result end
  [ "$expect" = long ] && optimise=-O2
  [ "$expect" = wrong ] && flags="-D$name $flags" optimise=-O0 table=20  # found before a better compilation would have ended
  rm -rf "run-$number" && mkdir "run-$number" && cd "run-$number" || return
  # shellcheck disable=SC2086
  if ! spin $flags -a "$models/$model.pml" >log 2>&1 || ! gcc $optimise -w -DSAFETY -DNOFAIR -DMEMLIM=$most_mib -o pan pan.c >>log 2>&1; then
    result='DOES NOT BUILD'
  else
    timeout -k 5 $most_seconds ./pan -m100000 -w$table >>log 2>&1
    result="DIED ($?)"
    errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' log)
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log | head -n 1)
    if grep -qE 'Search not completed|max search depth too small|out of memory' log && [ "${errors:-0}" = 0 ]; then
      result='NOT SEARCHED THROUGH'
    elif [ "$expect" = wrong ]; then
      [ "$errors" = 0 ] && result='NOT FOUND'
      [ "${errors:-0}" != 0 ] && grep -qE 'assertion violated|invalid end state \(' log && result=found
    else
      [ "$errors" = 0 ] && result=ok
      [ "${errors:-0}" != 0 ] && result='ERROR'
    fi
    rm -f pan pan.?
  fi
  end=$EPOCHREALTIME
  printf '%-10s %-24s %10s  %-10s %5.1f\n' "$model" "$name" "${states:--}" "$result" "$(((${end/./} - ${begin/./}) / 100000))e-1" >../"$number.row"
}

rm -rf run-* ./*.row
number=100
names=()
started=$SECONDS
while IFS='|' read -r model name expect flags; do
  model=${model// /}
  expect=${expect// /}
  name=$(sed 's/^ *//; s/ *$//' <<<"$name")
  [ -z "$model" ] && continue
  [ -n "$only" ] && [ "$model" != "$only" ] && continue
  [[ $expect == long || $expect == rare ]] && [ "$short" = 1 ] && continue
  [ "$expect" = rare ] && expect=wrong
  while [ "$(jobs -rp | wc -l)" -ge $jobs ]; do wait -n; done
  number=$((number + 1))
  names+=("$number")
  (check $number "$model" "$name" "$expect" "$flags") &
done <<<"$runs"
wait

[ ${#names[@]} -gt 0 ] || { echo "models: no model \"$only\"" >&2; exit 1; }
status=0
printf '%-10s %-24s %10s  %-10s %s\n' model variant states result seconds
for number in "${names[@]}"; do
  row=$(cat "$number.row" 2>/dev/null || echo "run-$number left no result")
  echo "$row"
  if ! [[ $row =~ (ok|found)\ +[0-9.]+$ ]]; then
    status=1
    failed+=("$number")
  fi
done
echo "${#names[@]} searches, $((SECONDS - started)) s"
for number in ${failed[@]+"${failed[@]}"}; do
  echo "--- $(pwd)/run-$number/log"
  tail -n 30 "run-$number/log"
done
exit $status
