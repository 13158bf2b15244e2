#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads every #include and keeps the floors: a file includes its own folder, the floors below, and public headers.

Exit status 0 when all is well, 1 with one line for each thing that is not. `floors.py DIR` looks at another tree.
"""
import pathlib
import re
import sys

# Folder -> floor. Folders of one floor never include one another; the mechanisms (5) meet in lib/cache.
FLOORS = {
    "lib/base": 0,
    "lib/layout": 1,
    "lib/segment": 2,
    "lib/workers": 3,
    "lib/lock": 4,
    "lib/index": 5,
    "lib/slab": 5,
    "lib/evict": 5,
    "lib/expiry": 5,
    "lib/stats": 5,
    "lib/cache": 6,
    "lib/store": 6,
    "tools": 7,
    "tests": 8,
    "bench": 7,
}
# Public headers that stand on the top floor of the library; all others stand on the ground.
PUBLIC_FLOOR = {"cache.h": 6, "carafe.h": 6, "keyspace.h": 6, "namespace.h": 6}

# The few sideways looks that are justified: (who, whom): why.
ALLOWED = {
    ("tests", "tools"): "the parts of carafe-replay have unit tests",
}

# Header (prefix) -> the only places that may include it.
SOLE_INCLUDER = {
    "xxhash.h": ("lib/base/hash.h",),
    "boost/": ("lib/segment/", "bench/peers/boost_"),
}
# For the inspector, tests and benchmarks only.
NOT_IN_LIBRARY = ("CLI/", "nlohmann/", "fmt/", "gtest/", "benchmark/", "httplib.h")

MOST_LINES = 500  # a warning
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".h", ".cc"}


def folder_of(path):
    """The folder that has a floor: two parts within lib/, one elsewhere."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "lib" else parts[0]


def resolve(root, path, name):
    """The file of ours that `name` means within `path`, or None."""
    for base in (root / path).parent, root / "lib", root / "include", root / "tests", root / "tools", root / "tools/carafe", root / "bench":
        if (base / name).is_file():
            return (base / name).resolve().relative_to(root).as_posix()
    return None


def trouble_with_include(path, target):
    """Why `path` may not include our own file `target`; None when it may."""
    here, there = folder_of(path), folder_of(target)
    if target.startswith("include/carafe/"):
        floor = PUBLIC_FLOOR.get(target.rsplit("/", 1)[1], 0)
        if here == "include":
            mine = PUBLIC_FLOOR.get(path.rsplit("/", 1)[1], 0)
            return None if floor <= mine else f"a public header of the ground floor includes {target}"
        if here in FLOORS and FLOORS[here] < floor:
            return f"floor {FLOORS[here]} includes {target} of floor {floor}"
        return None
    if here == "include":
        return f"a public header includes the internal {target}"
    if here == "examples":
        return None if there == "examples" else f"an example includes the internal {target}"
    if here not in FLOORS:
        return f"{here} has no floor: add it to tests/floors.py"
    if there not in FLOORS:
        return f"{there} has no floor: add it to tests/floors.py"
    if here == there or FLOORS[there] < FLOORS[here] or (path, target) in ALLOWED or (here, there) in ALLOWED:
        return None
    return f"floor {FLOORS[here]} includes {target} of floor {FLOORS[there]}"


def check(root):
    problems, warnings, count = [], [], 0
    for top in "include", "lib", "tools", "tests", "bench", "examples":
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SOURCES or not file.is_file():
                continue
            count += 1
            path = file.relative_to(root).as_posix()
            text = file.read_text(encoding="utf-8")
            lines = text.count("\n")
            if lines > MOST_LINES:
                warnings.append(f"{path}: {lines} lines; look for the second concept hiding inside")
            if file.suffix == ".h" and not re.search(r"^#pragma once$", text, re.MULTILINE):
                problems.append(f"{path}: no #pragma once")
            if top == "lib" and folder_of(path) not in FLOORS:
                problems.append(f"{path}: {folder_of(path)} has no floor: add it to tests/floors.py")
            for match in INCLUDE.finditer(text):
                quote, name = match.groups()
                where = f"{path}:{text.count(chr(10), 0, match.start(2)) + 1}"
                for header, only in SOLE_INCLUDER.items():
                    if name.startswith(header) and not path.startswith(only):
                        problems.append(f"{where}: only {' and '.join(only)} may include <{name}>")
                if top in ("lib", "include") and name.startswith(NOT_IN_LIBRARY):
                    problems.append(f"{where}: the library does not need <{name}>")
                if quote == '"' or name.startswith("carafe/"):
                    target = resolve(root, path, name)
                    reason = f'cannot find "{name}"' if target is None else trouble_with_include(path, target)
                    if reason:
                        problems.append(f"{where}: {reason}")
    return problems, warnings, count


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    problems, warnings, count = check(root)
    for line in warnings:
        print(f"warning: {line}")
    for line in problems:
        print(line)
    print(f"floors: {count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
