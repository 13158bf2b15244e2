#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures carafe and its peers, interleaved: in every round each workload goes from peer to peer, so that figures that are compared stem
from the same seconds. bench/run.sh is what to call."""
import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import hosts
import report
from table import OWN, PEERS, SWEEP_BYTES, SWEEP_PEERS, WORKLOADS


@dataclasses.dataclass(frozen=True)
class Settings:
    program: str
    unpacked: str
    folder: str
    items: int
    value_bytes: int
    seconds: float
    cores: list


def say(text):
    print(f"bench/peers: {text}", file=sys.stderr, flush=True)


def why_absent(name, settings, compiled):
    """None when it can be measured."""
    if name == "apcu":
        if not shutil.which("php"):
            return "no php (php-cli)"
        asked = subprocess.run(["php", "-r", 'exit(extension_loaded("apcu") && extension_loaded("pcntl") ? 0 : 1);'], check=False)
        return "php lacks apcu or pcntl (php-apcu, php-cli)" if asked.returncode else None
    if name == "nginx":
        if not hosts.find_program("nginx", settings):
            return "no nginx"
        places = (settings.unpacked, "/")
        if not any(os.path.exists(os.path.join(place, "usr/lib/nginx/modules/ngx_http_lua_module.so")) for place in places):
            return "no Lua module for nginx (libnginx-mod-http-lua)"
        return None
    if name == "uwsgi":
        if not hosts.find_program("uwsgi", settings):
            return "no uwsgi (uwsgi-core)"
        asked = subprocess.run(["uwsgi", "--plugin", "python3", "--version"], capture_output=True, check=False)
        return "no plugin python3 of uwsgi (uwsgi-plugin-python3)" if asked.returncode else None
    if name == "memcached" and not hosts.find_program("memcached", settings):
        return "no memcached"
    if name == "redis" and not hosts.find_program("redis-server", settings) and not shutil.which("redis-check-rdb"):
        return "no redis-server (redis-tools)"
    return compiled.get(name, f"bench_peers was built without {PEERS[name].library}")


def compiled_peers(program):
    """{name: None, or why not}."""
    lines = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: why or None for name, _, why in (line.partition(" absent: ") for line in lines)}


HOSTS = {"memcached": hosts.Memcached, "redis": hosts.Redis, "apcu": hosts.Apcu, "nginx": hosts.Nginx, "uwsgi": hosts.Uwsgi}


class Run:
    """All rounds; `cells` and `absent` are what came of them."""

    def __init__(self, settings, names, keep):
        self.settings = settings
        self.names = names
        self.keep = keep
        self.cells = []
        self.absent = {}
        self.failures = []

    def fail(self, name, error):
        say(f"{name}: FAILED: {error}")
        self.failures.append(f"{name}: {error}")

    @contextlib.contextmanager
    def filled(self, names, settings):
        """Hosts of these peers, as many at a time being filled as there are cores."""
        with contextlib.ExitStack() as stack:
            ready = []
            for first in range(0, len(names), len(settings.cores)):
                launched = []
                for name in names[first:first + len(settings.cores)]:
                    host = HOSTS.get(name, hosts.LineHost)(name, settings)
                    stack.callback(host.stop)
                    launched.append(host)
                for step in ("launch", "wait_ready"):
                    for host in list(launched):
                        try:
                            getattr(host, step)()
                        except hosts.Absent as why:
                            self.absent[host.name] = str(why)
                            launched.remove(host)
                        except (hosts.Failed, OSError) as error:
                            self.fail(host.name, error)
                            launched.remove(host)
                ready += launched
            yield ready

    def measure(self, host, workload, workers, number):
        try:
            cell = host.ask(workload, workers)
        except hosts.Failed as error:
            self.fail(host.name, f"{workload} {workers}: {error}")
            return False
        cell.update(round=number, items=host.settings.items, value_bytes=host.settings.value_bytes)
        error = cell.get("error") or wrong(cell)
        if error:
            self.fail(host.name, f"{workload} {workers}: {error}")
        elif cell.get("ns_each", 1) <= 0:
            say(f"{host.name}: {workload} {workers}: the loop without calls took longer; left out")
        elif "absent" not in cell:
            self.cells.append(cell)
        self.keep.write(json.dumps(cell) + "\n")
        self.keep.flush()
        return True

    def round(self, number):
        turn = number % len(self.names)
        names = [name for name in self.names[turn:] + self.names[:turn] if name not in self.absent]
        with self.filled(names, self.settings) as ready:
            for workload in WORKLOADS:
                for workers in range(1, len(self.settings.cores) + 1):
                    ready = [host for host in ready if self.measure(host, workload, workers, number)]

    def sweep(self, number, sizes, total_bytes):
        names = [name for name in SWEEP_PEERS if name in self.names and name not in self.absent]
        for value_bytes in sizes:
            items = max(100, min(self.settings.items, total_bytes // value_bytes))
            settings = dataclasses.replace(self.settings, items=items, value_bytes=value_bytes)
            with self.filled(names, settings) as ready:
                for host in ready:
                    self.measure(host, "get_uniform", 1, number)


def wrong(cell):
    """What voids a figure, of hosts that leave it to us."""
    if "absent" in cell:
        return ""
    if cell["wrong"] or (cell["workload"] == "get_miss" and cell["hits"]):
        return "a value was wrong"
    if cell["refused"] * 1000 > cell["sets"]:
        return "sets were refused"
    if cell["workload"] != "get_miss" and (cell["gets"] - cell["hits"]) * 1000 > cell["gets"]:
        return "items were missing"
    return ""


ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def end(number, _):
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)  # let us clear up
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="bench_peers, built")
    parser.add_argument("--unpacked", default="", help="folder with daemons out of packages that are not installed")
    parser.add_argument("--results", required=True, help="folder for the figures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", help="names, with commas between; default: all")
    parser.add_argument("--seconds", type=float, default=0.35, help="of each measurement")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--results-md", help="write a section of this file, and charts beside it")
    options = parser.parse_args()

    for number in ENDINGS:
        signal.signal(number, end)
    names = options.peers.split(",") if options.peers else list(PEERS)
    for name in names:
        if name not in PEERS:
            sys.exit(f"bench/peers: no peer is called {name}; there are: {' '.join(PEERS)}")
    if OWN not in names:
        names.insert(0, OWN)
    os.makedirs(options.results, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="carafe-peers-", dir="/dev/shm") as folder, \
            open(os.path.join(options.results, "cells.jsonl"), "w") as keep:
        settings = Settings(program=os.path.abspath(options.program), unpacked=os.path.abspath(options.unpacked or "/"),
                            folder=folder, items=20_000 if options.short else int(os.environ.get("CARAFE_BENCH_ITEMS") or 1_000_000),
                            value_bytes=100, seconds=0.01 if options.short else options.seconds, cores=sorted(os.sched_getaffinity(0))[:2])
        compiled = compiled_peers(settings.program)
        absent = {name: why for name in names if (why := why_absent(name, settings, compiled))}
        run = Run(settings, [name for name in names if name not in absent], keep)
        run.absent.update(absent)
        rounds = 1 if options.short else options.rounds
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}, {time.monotonic() - began:.0f} s so far")
            run.round(number)
            if number < 3:
                run.sweep(number, SWEEP_BYTES[::5] if options.short else SWEEP_BYTES, (8 if options.short else 256) << 20)
    made = report.Report(run.cells, run.absent, run.failures, settings, rounds, time.monotonic() - began)
    print(made.markdown())
    if options.results_md:
        made.write(options.results_md)
    if run.failures:
        sys.exit("bench/peers: " + "\n  ".join(["failed:", *run.failures]))


if __name__ == "__main__":
    main()
