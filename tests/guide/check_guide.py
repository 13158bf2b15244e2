#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether docs/guide.md and README.md show what there is.

    check_guide.py --tool CARAFE [--replay CARAFE_REPLAY] COMPILED_SOURCE...

- Each ```cpp block is literally part of one of the sources: paragraph by paragraph, in their order, but for how far it is indented.
- Each verb and long or short option of a `carafe` or `carafe-replay` in a ```sh block is one that the tool's --help knows.
- Each link leads to a file or heading, and the guide says what to do about each Status.

Exit status 0 when all is well, 1 with a line for each thing that is not.
"""
import argparse
import itertools
import pathlib
import re
import shlex
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = "docs/guide.md", "README.md"


def blocks(text, language):
    """(line, block) of each fenced block."""
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 1, match.group(1)


def lines_of(code):
    """What a comment says behind an #include may differ."""
    return [line.rstrip() for line in re.sub(r"^(#include [<\"][^>\"]*[>\"])[ \t]*//.*$", r"\1", code, flags=re.MULTILINE).split("\n")]


def paragraphs(lines):
    """Runs of lines without an empty one."""
    return [list(run) for filled, run in itertools.groupby(lines, key=bool) if filled]


def at_the_margin(lines):
    return textwrap.dedent("\n".join(lines))


def position(wanted, lines, begin):
    """Behind the place from `begin` on where the lines of `wanted` follow one another; None when there is none."""
    for first in range(begin, len(lines) - len(wanted) + 1):
        if at_the_margin(lines[first : first + len(wanted)]) == at_the_margin(wanted):
            return first + len(wanted)
    return None


def is_part(code, source):
    lines, place = lines_of(source), 0
    for paragraph in paragraphs(lines_of(code)):
        place = position(paragraph, lines, place)
        if place is None:
            return False
    return True


def check_listings(path, text, sources):
    count = 0
    for line, code in blocks(text, "cpp"):
        count += 1
        file = next((file for file, source in sources.items() if is_part(code, source)), None)
        if file is None:
            yield f"{path}:{line}: this listing is no part of a compiled example"
    print(f"{path}: {count} listings")


def commands(block):
    """(offset of the line, words) of each command that calls one of our tools."""
    joined = re.sub(r"\\\n", "  ", block)
    for offset, line in enumerate(joined.split("\n")):
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quote that goes on in the next line
            continue
        command = []
        for word in words + [";"]:
            if re.fullmatch(r"[|&;<>]+", word):
                if command and command[0] in ("carafe", "carafe-replay"):
                    yield offset, command
                command = []
            else:
                command.append(word)


class Tool:
    """What --help of a program knows."""

    def __init__(self, program):
        self.program = program
        self.texts = {}

    def help(self, *verb):
        if verb not in self.texts:
            run = subprocess.run([self.program, *verb, "--help"], capture_output=True, text=True, timeout=60, check=False)
            self.texts[verb] = run.stdout if run.returncode == 0 else None
        return self.texts[verb]

    def has_verb(self, verb):
        return re.search(rf"^  {re.escape(verb)} ", self.help() or "", re.MULTILINE) is not None

    def has_option(self, verb, option):
        text = self.help(*verb)
        return text is not None and re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def check_command(tools, words):
    """Why this command is none; None when it is."""
    tool, arguments = tools.get(words[0]), words[1:]
    if tool is None:
        print(f"skipped, since {words[0]} is not built: {' '.join(words)}")
        return None
    verb = ()
    if words[0] == "carafe" and arguments and not arguments[0].startswith("-"):
        verb, arguments = (arguments[0],), arguments[1:]
        if not tool.has_verb(verb[0]):
            return f"there is no verb {verb[0]}"
    for option in (word.partition("=")[0] for word in arguments if re.match(r"--?[A-Za-z]", word)):
        if not tool.has_option(verb, option):
            return f"{' '.join([words[0], *verb])} has no option {option}"
    return None


def check_commands(path, text, tools):
    for line, block in blocks(text, "sh"):
        for offset, words in commands(block):
            trouble = check_command(tools, words)
            if trouble:
                yield f"{path}:{line + 1 + offset}: {trouble}"


def anchors(text):
    """The names by which the headings of a document are linked to."""
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_links(path, text):
    own = set(anchors(text))
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        if file and not (ROOT / path).parent.joinpath(file).exists():
            yield f"{path}: there is no {target}"
        elif not file and anchor not in own:
            yield f"{path}: there is no heading for #{anchor}"


def check_statuses(path, text):
    header = (ROOT / "include/carafe/status.h").read_text(encoding="utf-8")
    body = re.search(r"enum class Status[^{]*\{(.*?)\};", header, re.DOTALL).group(1)
    rows = set(re.findall(r"`(k\w+)`", "\n".join(line.split("|")[1] for line in text.split("\n") if line.startswith("| `k"))))
    names = set(re.findall(r"^\s*(k[A-Z]\w*)", body, re.MULTILINE))
    for name in sorted(names - rows):
        yield f"{path}: says nothing about Status::{name}"
    for name in sorted(rows - names):
        yield f"{path}: there is no Status::{name}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool")
    parser.add_argument("--replay")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    sources = {path: path.read_text(encoding="utf-8") for path in arguments.sources}
    tools = {name: Tool(path) for name, path in (("carafe", arguments.tool), ("carafe-replay", arguments.replay)) if path}

    problems = []
    for path in DOCUMENTS:
        text = (ROOT / path).read_text(encoding="utf-8")
        problems += check_listings(path, text, sources)
        problems += check_commands(path, text, tools)
        problems += check_links(path, text)
    problems += check_statuses(DOCUMENTS[0], (ROOT / DOCUMENTS[0]).read_text(encoding="utf-8"))
    for problem in problems:
        print(problem)
    print(f"check_guide: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
