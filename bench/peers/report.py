# SPDX-License-Identifier: MIT
"""Tables of what was measured: medians over rounds, and ratios within a round with their bootstrap intervals."""
import collections
import os
import platform
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import figures  # noqa: E402
from table import OWN, PEERS, SWEEP_BYTES, SWEEP_PEERS, WORKLOADS, size_name  # noqa: E402

BEGIN = "<!-- peers: from here on written by bench/run.sh -->"
END = "<!-- peers: to here -->"


def machine():
    with open("/proc/cpuinfo") as lines:
        model = re.search(r"^model name\s*: (.*)$", lines.read(), re.MULTILINE)
    return f"{model.group(1) if model else platform.machine()}, Linux {platform.release().split('-')[0]}"


def commit():
    asked = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def nanoseconds(value):
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def times(value):
    return f"{value:.2f}" if value < 9.95 else f"{value:.1f}" if value < 99.5 else f"{value:.0f}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


class Report:
    def __init__(self, cells, absent, failures, settings, rounds, seconds):
        self.absent = absent
        self.failures = failures
        self.settings = settings
        self.rounds = rounds
        self.seconds = seconds
        self.by_round = collections.defaultdict(dict)  # (peer, workload, workers, value bytes) -> {round: ns}
        self.crews = {}
        for cell in cells:
            key = cell["peer"], cell["workload"], cell["workers"], cell["value_bytes"]
            self.by_round[key][cell["round"]] = cell["ns_each"]
            self.crews[cell["peer"]] = cell["crew"]

    def of(self, peer, workload, workers, value_bytes):
        return self.by_round.get((peer, workload, workers, value_bytes), {})

    def median(self, peer, workload, workers=1, value_bytes=None):
        values = self.of(peer, workload, workers, value_bytes or self.settings.value_bytes)
        return statistics.median(values.values()) if values else None

    def ratio(self, peer, workload, workers, value_bytes):
        """The peer's time over carafe's, with the interval; None where one is missing."""
        ratios = figures.ratios(self.of(peer, workload, workers, value_bytes), self.of(OWN, workload, workers, value_bytes))
        return figures.interval(ratios) if ratios else None

    def peers(self):
        return [name for name in PEERS if name in self.crews]

    def name(self, peer, workers):
        together = f", {self.crews[peer]}" if workers > 1 and self.crews[peer] == "threads" else ""
        return f"**{PEERS[peer].label}**" if peer == OWN else PEERS[peer].label + together

    def table(self, title, workers, peers, columns, cell):
        """`columns`: heading -> (workload, value bytes)."""
        lines = ["", row([title, *columns]), "|---|" + "---:|" * len(columns)]
        for peer in peers:
            lines.append(row([self.name(peer, workers), *(cell(peer, *of) for of in columns.values())]))
        return lines

    def tables(self, title, workers, peers, columns):
        def absolute(peer, workload, value_bytes):
            median = self.median(peer, workload, workers, value_bytes)
            return "-" if median is None else nanoseconds(median)

        def relative(peer, workload, value_bytes):
            ratio = self.ratio(peer, workload, workers, value_bytes)
            if ratio is None:
                return "-"
            return times(ratio[0]) + (f" [{times(ratio[1])}, {times(ratio[2])}]" if self.rounds > 2 else "")

        others = [peer for peer in peers if peer != OWN]
        return (self.table(f"{title}, ns", workers, peers, columns, absolute)
                + self.table(f"{title}, times carafe's", workers, others, columns, relative))

    def markdown(self):
        settings = self.settings
        lines = [
            f"{machine()}; commit {commit()}; {settings.items:,} items of {settings.value_bytes} bytes under keys of 17; "
            f"rounds: {self.rounds}, in {self.seconds / 60:.0f} minutes. Nanoseconds an access (a key, where several are asked for together), "
            "as one worker sees them: medians. Ratios are the peer's time over carafe's in the same round, with 95 % intervals: above 1, carafe is quicker."]
        columns = {heading: (workload, settings.value_bytes) for workload, heading in WORKLOADS.items()}
        for workers, title in ((1, "one process"), (2, "each of two, at the same time")):
            peers = [peer for peer in self.peers() if any(self.median(peer, workload, workers) for workload in WORKLOADS)]
            if peers:
                lines += self.tables(title, workers, peers, columns)
        swept = [peer for peer in SWEEP_PEERS if peer in self.crews]
        if len(swept) > 1:
            columns = {size_name(value_bytes): ("get_uniform", value_bytes) for value_bytes in SWEEP_BYTES}
            lines += self.tables("get, uniform, by size of the value", 1, swept, columns)
        if self.absent:
            lines += ["", "Absent:", *(f"- {PEERS[name].label}: {why}" for name, why in self.absent.items())]
        if self.failures:
            lines += ["", "**Failed**, and left out where they did:", *(f"- {failure.splitlines()[0]}" for failure in self.failures)]
        return "\n".join(lines)

    def write(self, results):
        """Puts the section between its two markers in the file, or at its end, and the charts into charts/ beside it."""
        import charts

        names = charts.draw(self, os.path.join(os.path.dirname(os.path.abspath(results)), "charts"))
        with open(results) as file:
            text = file.read()
        pictures = [f"![{title}](charts/{name})" for name, title in names]
        body = "\n\n".join([BEGIN, "## Peers", f"    bench/run.sh --rounds {self.rounds}", self.markdown(), *pictures, END])
        before, found, rest = text.partition(BEGIN)
        if found:
            after = rest.partition(END)[2]
            text = before + body + after
        else:
            text = text.rstrip("\n") + "\n\n" + body + "\n"
        with open(results, "w") as file:
            file.write(text)
