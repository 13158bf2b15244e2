#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the JSON files of several rounds of benchmarks and prints medians, ratios and how sure they are, as Markdown.

  figures.py peers DIR LABEL          carafe beside its peers, within each round of LABEL
  figures.py pair DIR LABEL LABEL     the second against the first, round by round

Files are DIR/LABEL.PROGRAM.ROUND.json, as bench/compare.sh leaves them. A ratio is that of two figures of the same round; what is printed is
the median of these ratios, and in brackets the interval in which 95 % of medians fall when the rounds are drawn again with replacement
(the bootstrap; Efron 1979). An interval that holds 1, or a difference below 1 %, is "no change".
"""
import glob
import json
import os
import random
import re
import statistics
import sys

UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
OWN = "carafe"


def nanoseconds(run):
    """Of one access (one key of a batch), as one worker sees it."""
    if "ns_each" in run:
        return run["ns_each"]
    batch = re.search(r"/keys:(\d+)", run["name"])
    return run["real_time"] * UNIT_NS[run["time_unit"]] / (int(batch.group(1)) if batch else 1)


def read_rounds(folder, label):
    """{round: {name: run}}, failed runs left out and named."""
    rounds = {}
    for path in sorted(glob.glob(os.path.join(folder, label + ".*.*.json"))):
        number = int(path.rsplit(".", 2)[1])
        try:
            with open(path) as file:
                runs = json.load(file)["benchmarks"]
        except (ValueError, KeyError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        for run in runs:
            name = run["name"].removesuffix("/manual_time")
            if run.get("run_type") == "aggregate":
                continue
            if run.get("error_occurred"):
                print(f"{path}: {name}: {run.get('error_message')}", file=sys.stderr)
                continue
            rounds.setdefault(number, {})[name] = run
    return rounds


def interval(values, draws=4000):
    """The median, and the 95 % bootstrap interval around it."""
    middle = statistics.median(values)
    if len(values) < 3:
        return middle, min(values), max(values)
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return middle, medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def names_in_order(rounds):
    seen = {}
    for runs in rounds.values():
        for name in runs:
            seen.setdefault(name, None)
    return list(seen)


def of(rounds, name, figure=nanoseconds):
    return {number: figure(runs[name]) for number, runs in rounds.items() if name in runs}


def ratios(over, under):
    return [over[number] / under[number] for number in sorted(over) if number in under and under[number]]


def show(values):
    return f"{statistics.median(values.values()):.1f}" if values else "-"


def show_ratio(values):
    if not values:
        return "-"
    middle, low, high = interval(values)
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def split_store(name):
    match = re.search(r"/store:([^/]+)", name)
    return (name.replace(match.group(0), ""), match.group(1)) if match else (name, OWN)


def peers(folder, label):
    rounds = read_rounds(folder, label)
    names = names_in_order(rounds)
    stores = list(dict.fromkeys(split_store(name)[1] for name in names if "/store:" in name))
    others = [store for store in stores if store != OWN]
    full = {}
    for name in names:
        if name.startswith("BM_Memory"):
            continue
        bare, store = split_store(name)
        full.setdefault(bare, {})[store] = name

    print(f"{len(rounds)} rounds. ns an access; ratio = {OWN} / peer.\n")
    print("| benchmark | " + OWN + " | " + " | ".join(f"{store} | ratio" for store in others) + " |")
    print("|---|" + "---:|" * (1 + 2 * len(others)))
    for bare, by_store in full.items():
        if OWN not in by_store:
            continue  # shown beside the processes
        own = of(rounds, by_store[OWN])
        row = [f"`{bare}`", show(own)]
        for store in others:
            theirs = by_store.get(store) or full.get(bare.replace("/processes:", "/threads:"), {}).get(store)
            theirs = of(rounds, theirs) if theirs else {}
            row += [show(theirs), show_ratio(ratios(own, theirs))]
        print("| " + " | ".join(row) + " |")

    scaling = [name for name in names if any("vs_one" in runs.get(name, {}) for runs in rounds.values())]
    if scaling:
        print("\nTwo against one: throughput together, over that of one alone (2 is perfect).\n\n| benchmark | two / one |\n|---|---:|")
        for name in scaling:
            print(f"| `{name}` | {show_ratio(list(of(rounds, name, lambda run: run['vs_one']).values()))} |")

    memory = [name for name in names if name.startswith("BM_Memory")]
    for name in memory:
        run = next(runs[name] for runs in rounds.values() if name in runs)
        print(f"\n`{name}`: " + ", ".join(f"{key} {value:.1f}" for key, value in run.items() if re.match(r"first_|steady_|conflicts|refused", key)))


def pair(folder, first, second):
    before, after = read_rounds(folder, first), read_rounds(folder, second)
    print(f"{len(after)} rounds. ns an access; ratio = {second} / {first}, below 1 is faster.\n")
    print(f"| benchmark | {first} | {second} | ratio | |\n|---|---:|---:|---:|---|")
    for name in names_in_order(before):
        old, new = of(before, name), of(after, name)
        both = ratios(new, old)
        if not both or name.startswith("BM_Memory"):
            continue
        middle, low, high = interval(both)
        verdict = "too few rounds" if len(both) < 5 else "no change" if low <= 1 <= high or abs(middle - 1) < 0.01 else ("faster" if middle < 1 else "**slower**")
        print(f"| `{name}` | {show(old)} | {show(new)} | {show_ratio(both)} | {verdict} |")
    for name in names_in_order(after):
        if name not in names_in_order(before):
            print(f"| `{name}` | - | {show(of(after, name))} | - | new |")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) == 3 and arguments[0] == "peers":
        peers(*arguments[1:])
    elif len(arguments) == 4 and arguments[0] == "pair":
        pair(*arguments[1:])
    else:
        sys.exit(__doc__)
