# SPDX-License-Identifier: MIT
"""uWSGI's cache, measured from within one request: a loop with the call, minus the same loop without it. run.py asks as it asks nginx.lua."""
import bisect
import itertools
import json
import os
import random
import time
import urllib.parse

import uwsgi

SLICE = 1024
KEY_BYTES = 17
NEVER = 1 << 40
WORKLOADS = {  # how keys are drawn; one in how many accesses is a set
    "get_uniform": ("uniform", NEVER), "get_zipf": ("zipf", NEVER), "get_one_key": ("one_key", NEVER), "get_miss": ("absent", NEVER),
    "set_replace": ("uniform", 1), "mix_95_5": ("zipf", 20), "mix_50_50": ("zipf", 2),
}
CACHE = "peer"
TO_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")
drawn = {}  # of this worker: sequences that never end, so that a call goes on where the last one ended


def key_of(number):
    """"user/" + 8 letters a..p + "/bio", as all peers have it."""
    return b"user/" + (b"%08x" % number).translate(TO_LETTERS) + b"/bio"


def draw(skew, items):
    """Slices of keys, each an object of its own, in the order in which they are asked for; drawn before the clock starts, then over again."""
    accesses = max(SLICE, 1 << (min(items, 1 << 20) - 1).bit_length())
    chance = random.Random(20240229 + uwsgi.worker_id())
    if skew == "zipf":
        cumulated = list(itertools.accumulate(rank ** -0.99 for rank in range(1, items + 1)))
        ranks = (bisect.bisect_left(cumulated, chance.random() * cumulated[-1]) for _ in range(accesses))
        numbers = ((rank * 7919 + 12345) % items for rank in ranks)  # scattered over the keys
    elif skew == "one_key":
        numbers = itertools.repeat(items // 2, accesses)
    else:
        first = items if skew == "absent" else 0
        numbers = (first + int(chance.random() * items) for _ in range(accesses))
    keys = [key_of(number) for number in numbers]
    return itertools.cycle([keys[i:i + SLICE] for i in range(0, accesses, SLICE)])


# Every value is checked: its length, and that it begins with its key. The loop without a call checks the key itself.

def with_calls(keys, every, value_bytes):
    padding = b"v" * (value_bytes - KEY_BYTES)
    get, update = uwsgi.cache_get, uwsgi.cache_update
    hits = wrong = sets = refused = 0
    for i, key in enumerate(keys, 1):
        if i % every == 0:
            value = key + padding
            sets += 1
            if not update(key, value, 0, CACHE):
                refused += 1
            continue
        value = get(key, CACHE)
        if value is None:
            continue
        hits += 1
        if len(value) != value_bytes or not value.startswith(key):
            wrong += 1
    return {"gets": len(keys) - sets, "hits": hits, "sets": sets, "refused": refused, "wrong": wrong}


def without_calls(keys, every, value_bytes):
    padding = b"v" * (value_bytes - KEY_BYTES)
    hits = wrong = sets = refused = 0
    for i, key in enumerate(keys, 1):
        if i % every == 0:
            value = key + padding
            sets += 1
            if not value:
                refused += 1
            continue
        value = key
        if value is None:
            continue
        hits += 1
        if len(value) != KEY_BYTES or not value.startswith(key):
            wrong += 1
    return {"wrong": wrong}


def measure(keys, every, value_bytes, seconds):
    """Runs the loops over slices of the keys until the time is up: four with calls, one without, so that both meet the same disturbances."""
    total = {}
    time_with = time_without = made = 0
    until = time.perf_counter() + seconds
    while True:
        before = time.perf_counter()
        without_calls(next(keys), every, value_bytes)
        between = time.perf_counter()
        time_without += between - before
        for _ in range(4):
            for count, value in with_calls(next(keys), every, value_bytes).items():
                total[count] = total.get(count, 0) + value
        now = time.perf_counter()
        time_with += now - between
        made += 4
        if now >= until:
            return dict(total, ns_each=(time_with - 4 * time_without) * 1e9 / (made * SLICE))


def wait_until(start):
    while time.time() < start:
        pass


def answer(workload, items, value_bytes, seconds, start):
    padding = b"v" * (value_bytes - KEY_BYTES)
    if workload == "fill":
        for number in range(items):
            if not uwsgi.cache_update(key_of(number), key_of(number) + padding, 0, CACHE):
                return {"error": f"refused item {number}"}
        return {"error": ""}
    if workload == "walk":
        wait_until(start)
        for number in range(items):
            if uwsgi.cache_get(key_of(number), CACHE) != key_of(number) + padding:
                return {"error": f"item {number} is missing or wrong"}
        drawn.update((skew, draw(skew, items)) for skew in ("uniform", "zipf", "one_key", "absent"))
        return {"error": "", "worker": uwsgi.worker_id()}
    if workload not in WORKLOADS:
        return {"absent": "has none"}
    skew, every = WORKLOADS[workload]
    if time.time() > start:
        return {"late": True}
    wait_until(start)
    return dict(measure(drawn[skew], every, value_bytes, seconds), worker=uwsgi.worker_id())


def application(environ, start_response):
    cores = sorted(os.sched_getaffinity(os.getppid()))
    os.sched_setaffinity(0, {cores[uwsgi.worker_id() % len(cores)]})
    asked = urllib.parse.parse_qs(environ["QUERY_STRING"])
    body = json.dumps(answer(environ["PATH_INFO"][1:], int(asked["items"][0]), int(asked["value_bytes"][0]), float(asked["seconds"][0]),
                             float(asked["start"][0])))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body.encode()]
