# SPDX-License-Identifier: MIT
"""The same figures as pictures (SVG, by matplotlib)."""
import os

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "carafe", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402
from table import DAEMON, HOSTED, IN_PROCESS, LEAST, OWN, PEERS, SHARED, SWEEP_BYTES, SWEEP_PEERS, WORKLOADS, size_name  # noqa: E402

COLOURS = {LEAST: "#bbbbbb", IN_PROCESS: "#88aacc", SHARED: "#4477aa", DAEMON: "#cc6677", HOSTED: "#ddaa33"}
OWN_COLOUR = "#117733"
LINES = [OWN_COLOUR, "#999999", "#88aacc", "#4477aa", "#cc6677", "#aa3377"]


def plain(label):
    """Without Markdown."""
    return label.replace("`", "").replace("*", "")


def save(figure, folder, name):
    path = os.path.join(folder, name)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    with open(path) as file:  # matplotlib leaves blanks at the ends of lines
        text = "\n".join(line.rstrip() for line in file.read().splitlines())
    with open(path, "w") as file:
        file.write(text + "\n")


def bars(report, folder, workload, workers):
    medians = {peer: report.median(peer, workload, workers) for peer in report.peers()}
    found = sorted(((median, peer) for peer, median in medians.items() if median), reverse=True)
    if not found:
        return None
    figure, axes = plt.subplots(figsize=(7, 0.6 + 0.26 * len(found)))
    colours = [OWN_COLOUR if peer == OWN else COLOURS[PEERS[peer].kind] for _, peer in found]
    labels = [plain(report.name(peer, workers)) for _, peer in found]
    drawn = axes.barh(labels, [value for value, _ in found], color=colours)
    axes.bar_label(drawn, [f"{value:,.0f}" for value, _ in found], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(left=min(10, found[-1][0] / 2))
    axes.set_xlabel("ns an access (logarithmic)")
    who = "one process" if workers == 1 else "each of two"
    title = f"{WORKLOADS[workload]}: {who}"
    axes.set_title(title, loc="left")
    kinds = [kind for kind in COLOURS if any(PEERS[peer].kind == kind and peer != OWN for _, peer in found)]
    patches = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[kind]) for kind in kinds]
    axes.legend(patches, kinds, loc="upper left", bbox_to_anchor=(1.08, 1), frameon=False)
    name = f"{workload}_{workers}.svg"
    save(figure, folder, name)
    return name, title


def lines(report, folder):
    figure, axes = plt.subplots(figsize=(7, 4))
    drawn = False
    for peer, colour in zip(SWEEP_PEERS, LINES):
        points = [(size, median) for size in SWEEP_BYTES if (median := report.median(peer, "get_uniform", 1, size))]
        if points:
            axes.plot(*zip(*points), marker="o", markersize=3, color=colour, linewidth=2 if peer == OWN else 1,
                      label=plain(PEERS[peer].label))
            drawn = True
    title = "get, uniform, by size of the value: one process"
    axes.set(xscale="log", yscale="log", xlabel="value", ylabel="ns a get")
    axes.set_xticks(SWEEP_BYTES, [size_name(size) for size in SWEEP_BYTES])
    axes.minorticks_off()
    axes.set_title(title, loc="left")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    if drawn:
        save(figure, folder, "sizes.svg")
        return "sizes.svg", title
    plt.close(figure)
    return None


def draw(report, folder):
    """Names and titles of what could be drawn."""
    os.makedirs(folder, exist_ok=True)
    drawn = [bars(report, folder, *which) for which in (("get_uniform", 1), ("get_zipf", 2), ("set_replace", 1), ("mix_95_5", 2))]
    return [each for each in [*drawn, lines(report, folder)] if each]
