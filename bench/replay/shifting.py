#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two made-up traces whose mix of sizes shifts; the same bytes every time. `shifting.py mix|waves FILE [REQUESTS]`

mix    Three populations of 20,000 keys, each with values around a size of its own (200 bytes, 1.5 KiB, 10 KiB). In each of six
       phases another one gets eight tenths of the requests. Keys stay and come back; what shifts is whose bytes are worth keeping.
waves  One catalogue of 30,000 keys that renews itself four times: a key leaves for good after a quarter of the trace. The sizes of what
       comes in follow a wave, from around 150 bytes to 6 KiB and back, twice. Old pages are full of what nobody will ask for again, in
       the wrong size: as hard as it gets for slabs.

In both, requests follow Zipf's law (0.9), and each value is up to four times smaller or larger than its middle.
"""
import bisect
import itertools
import math
import random
import sys

EXPONENT = 0.9


class Zipf:
    """Places 0 to keys - 1, some much more often than others, hot and cold ones well mixed."""

    def __init__(self, source, keys):
        self.source = source
        self.weights = list(itertools.accumulate(1.0 / rank**EXPONENT for rank in range(1, keys + 1)))
        self.places = list(range(keys))
        source.shuffle(self.places)

    def draw(self):
        rank = bisect.bisect_left(self.weights, self.source.random() * self.weights[-1])
        return self.places[min(rank, len(self.places) - 1)]


def write_mix(path, requests=1_000_000, seed=7):
    source = random.Random(seed)
    keys, phases, middles = 20_000, 6, (200, 1536, 10240)
    populations = [Zipf(source, keys) for _ in middles]
    sizes = {}
    with open(path, "w", encoding="ascii") as file:
        for i in range(requests):
            favoured = i * phases // requests % len(middles)
            share = source.random()
            which = favoured if share < 0.8 else (favoured + (1 if share < 0.9 else 2)) % len(middles)
            key = which * keys + populations[which].draw()
            if key not in sizes:
                sizes[key] = int(middles[which] * 4 ** source.uniform(-1, 1))
            file.write(f"{key},{sizes[key]}\n")


def write_waves(path, requests=1_000_000, seed=7):
    source = random.Random(seed)
    keys, generations, waves, small, large = 30_000, 4, 2, 150.0, 6144.0
    catalogue = Zipf(source, keys)
    sizes = {}
    with open(path, "w", encoding="ascii") as file:
        for i in range(requests):
            place = catalogue.draw()
            renewals = (i * generations * keys // requests - place) // keys + 1  # place p is renewed at p, p + keys, ...
            key = renewals * keys + place
            if key not in sizes:
                height = (1 - math.cos(2 * math.pi * waves * i / requests)) / 2
                sizes[key] = int(small * (large / small) ** height * 4 ** source.uniform(-1, 1))
            file.write(f"{key},{sizes[key]}\n")


WRITERS = {"mix": write_mix, "waves": write_waves}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in WRITERS:
        sys.exit(__doc__)
    WRITERS[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:4]))
