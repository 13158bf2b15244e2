#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# carafe create: sizes, modes, groups, and every way in which it is refused.
source "$(dirname "$0")/common.sh"

expect 0 "$carafe" create "$segment" --size 4M
matches "what create says" "$out" "^created $segment: 4M, room for [0-9]+ workers and [0-9]+ namespaces, mode 0600"
equal "mode of the file" "$(stat -c %a /dev/shm/carafe."$segment")" 600
equal "size of the file" "$(stat -c %s /dev/shm/carafe."$segment")" $((4 << 20))

expect 5 "$carafe" create "$segment" --size 4M
contains "message" "$err" "exists"

expect 0 "$carafe" create "$segment-json" --size 2048K --max-workers 16 --max-namespaces 20 --json
equal "capacity" "$(json 'o["capacity_bytes"]')" $((2 << 20))
equal "workers" "$(json 'o["max_workers"]')" 16
equal "namespaces" "$(json 'o["max_namespaces"]')" 20
equal "mode" "$(json 'o["mode"]')" 0600

expect 0 "$carafe" create "$segment-group" --size 1048576 --group "$(id -gn)" -q
equal "quiet output" "$out" ""
equal "mode of a shared one" "$(stat -c %a:%G /dev/shm/carafe."$segment-group")" "660:$(id -gn)"
expect 0 "$carafe" set "$segment-group" key value
expect 0 "$carafe" get "$segment-group" key

# A path from completion names the segment, too.
expect 0 "$carafe" create "/dev/shm/carafe.$segment-path" --size 1M
[[ -e /dev/shm/carafe.$segment-path ]] || fail "no segment from a path"

# Huge pages and NUMA: had, or refused with a reason, and the segment is there in any case.
expect 0 "$carafe" create "$segment-huge" --size 8M --pages huge --interleave --json
equal "huge pages, or why not" "$(json 'o["memory"]["huge_bytes"] == 8 << 20 or any("huge pages" in why for why in o["refused"])')" True
equal "interleaved, or why not" "$(json 'o["memory"]["numa_policy"].startswith("interleave") or any("interleave: " in why for why in o["refused"])')" True
huge=$(json 'o["memory"]["huge_bytes"]')
expect 0 "$carafe" stat "$segment-huge" --json
equal "huge pages stay" "$(json 'o["memory"]["huge_bytes"]')" "$huge"
nodes=$(json 'o["memory"]["numa_nodes"]')
expect 0 "$carafe" create "$segment-interleaved" --size 1M --interleave
((nodes > 1)) || contains "what create says" "$out" "refused: interleave: "
expect 0 "$carafe" create "$segment-small" --size 1M --pages small
expect 2 "$carafe" create "$segment-a" --size 4M --pages large
contains "message" "$err" "auto, small or huge"

expect 2 "$carafe" create "$segment-a"
contains "message" "$err" "--size"
expect 2 "$carafe" create "$segment-a" --size 12Q
expect 2 "$carafe" create "$segment-a" --size -1
expect 2 "$carafe" create "$segment-a" --size 99999999999999999999
expect 2 "$carafe" create "$segment-a" --size 1K
contains "message" "$err" "1048576"
expect 2 "$carafe" create "$segment-a" --size 4M --mode 0666
expect 2 "$carafe" create "$segment-a" --size 4M --mode rw
expect 2 "$carafe" create "$segment-a" --size 4M --max-workers 3
expect 2 "$carafe" create "$segment-a" --size 4M --max-workers -1
expect 2 "$carafe" create "$segment-a" --size 4M --max-namespaces 65536
contains "message" "$err" "65535"
expect 2 "$carafe" create "$segment-a" --size 4M --max-namespaces -1
expect 2 "$carafe" create "$segment-a" --size 4M --group no-such-group-$$
expect 2 "$carafe" create "bad name" --size 4M
expect 2 "$carafe" create "" --size 4M
expect 2 "$carafe" create "../$segment" --size 4M
[[ ! -e /dev/shm/carafe.$segment-a ]] || fail "a refused create left a segment behind"

# More than /dev/shm could ever hold. (More than is free would do, but the kernel fills the memory before it says so.)
all_kib=$(df --output=size -k /dev/shm | tail -1)
expect 5 "$carafe" create "$segment-a" --size $((all_kib + 102400))K
[[ ! -e /dev/shm/carafe.$segment-a ]] || fail "a create without room left a segment behind"
finish
