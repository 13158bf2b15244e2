#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants each defect of mutants.py in a copy of the tree, builds the test that has to notice, and runs it.

    python3 tests/mutants/run.py            all; about a quarter of an hour on two cores
    python3 tests/mutants/run.py version    those whose name contains it, or any of several
    python3 tests/mutants/run.py --list

A test that stays green, a change that does not apply or does not compile is a survivor: exit status 1. The orders of memory have their own
mutants, planted while the program runs: ctest -R weak_memory. Models have theirs: tests/model/run.sh.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from mutants import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "mutants"
TREE = PLACE / "tree"
BUILD = PLACE / "build"


def copy_tree():
    if TREE.exists():
        shutil.rmtree(TREE)
    TREE.mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)


def quiet(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def build(target):
    return quiet(["cmake", "--build", str(BUILD), "--target", target, "-j", str(os.cpu_count())])


def run(mutant):
    environment = os.environ | {"CARAFE_TEST_SHORT": "1", "CARAFE_SOURCE_DIR": str(TREE)} | mutant.environment
    try:
        return quiet([str(BUILD / "tests" / mutant.test), *mutant.arguments], env=environment, timeout=120).returncode
    except subprocess.TimeoutExpired:
        return "hangs"


def verdict_on(mutant):
    path = TREE / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return "DOES NOT APPLY"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        built = build(mutant.test)
        if built.returncode != 0:
            (PLACE / "log").write_text(built.stdout)
            return f"DOES NOT COMPILE ({PLACE / 'log'})"
        code = run(mutant)
        return "SURVIVES" if code == 0 else f"killed ({code})"
    finally:
        path.write_text(text)


def main():
    parts = sys.argv[1:]
    wanted = [m for m in MUTANTS if not parts or any(part in m.name for part in parts)]
    if parts == ["--list"]:
        for mutant in MUTANTS:
            print(f"{mutant.name:60} {mutant.test}")
        return 0
    copy_tree()
    configured = quiet(["cmake", "-S", str(TREE), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCARAFE_TEST_PCH=ON", "-DCARAFE_BUILD_TOOLS=OFF"])
    if configured.returncode != 0:
        print(configured.stdout)
        return 1
    for test in sorted({m.test for m in wanted}):  # what is not broken has to be green, else being red means nothing
        if build(test).returncode != 0 or run(next(m for m in wanted if m.test == test)) != 0:
            print(f"{test} is red without any defect")
            return 1
    survivors = 0
    for mutant in wanted:
        began = time.monotonic()
        verdict = verdict_on(mutant)
        survivors += not verdict.startswith("killed")
        print(f"{mutant.name:60} {mutant.test:26} {verdict}  {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(wanted) - survivors} of {len(wanted)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
