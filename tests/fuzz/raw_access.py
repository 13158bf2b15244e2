#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the ways from a number that was read from the segment to memory few, and all of them checked.

Each rule names something by which one could get there (a cast, the mapping's base, an offset taken out of a shared word, a copy out of shared
memory) and the forms in which that is allowed, each with why it is safe. Whatever else the library contains of it is a line of output, and
exit status 1. `raw_access.py DIR` looks at another tree. The table in tests/fuzz/README.md is about the same places.
"""
import pathlib
import re
import sys

# A chunk by number: only Slabs::locate (which checks the offset) and Slabs::chunk_at (of numbers below the page's and the class's) make one.
CHUNK = r"(?:\w+\.)*(?:chunk|part)\.offset"

RULES = [
    (
        "the mapping's base",
        r"\bbase\(\)",
        [
            ("lib/segment/", r".", "makes the mapping and the view"),
            ("lib/", r"view_?\.base\(\) \+ " + CHUNK + r"\b", "a Chunk is checked, and kPart... and header fields lie within it"),
        ],
    ),
    (
        "a cast to another type of pointer",
        r"\breinterpret_cast\b|\bstatic_cast<(?:const )?(?:std::byte|Bucket|Stripe|Atomic<[^>]*>|Shadow) ?\*>|\(std::byte ?\*\)",
        [
            ("lib/segment/view.h", r".", "the one place where offsets become references, all checked or ours"),
            ("lib/segment/mapping.cc", r"region\.get_address\(\)", "the mapping itself"),
            ("lib/segment/mapping.cc", r"static_cast<std::byte\*>\(begin\)|uintptr_t>\(begin_\)", "address space that nothing lies in yet"),
            ("lib/segment/memory_report.cc", r"uintptr_t>\(mapping\.base\(\)\)", "compared with what /proc shows"),
            ("lib/segment/create.cc", r"segment\.mapping\.base\(\)", "our own new segment"),
            ("lib/segment/fingerprint.cc", r"\bparts\b", "private memory"),
            ("lib/base/racy_copy.h", r".", "copies that are told where and how much"),
            ("lib/slab/slabs.h", r"view_\.page\(page\)(?:\)\[index\]| \+ shape\.\w+_at\))", "a page and a class that were compared before"),
            ("lib/index/table.h", r"Bucket\*>\(reinterpret_cast<std::uintptr_t>\(entry\)", "the bucket that an entry stands in"),
            ("lib/index/tag_match.h", r"__m128|float", "one bucket, aligned"),
            ("lib/lock/owner_lock.cc", r"\(&word\)", "half of a word"),
            ("lib/base/futex.h", r"\(&word\)", "the whole of one"),
            ("lib/cache/rebuild.cc", r"Bucket\*>\(claim\.bytes\)", "a chunk of an index class, claimed"),
            ("lib/cache/keyspace.cc", r"\{reinterpret_cast<const char\*>\(from\), bytes\}", "as long as a glance has checked"),
            ("lib/store/", r"reinterpret_cast<const char\*>\((?:&header|parts)|reinterpret_cast<std::uintptr_t>\(&number\)", "private memory"),
        ],
    ),
    (
        "a page's bytes",
        r"\bview_?(?:\(\))?\.page\(",
        [("lib/slab/slabs.h", r"view_\.page\(page\)", "side words and bitmaps, by numbers that were compared before")],
    ),
    (
        "an offset or a length out of a shared word",
        r"\b(?:Entry|PartRef|DirectoryWord)::(?:offset|bytes|buckets)\(",
        [
            ("lib/layout/", r".", "defines them"),
            ("lib/segment/view.h", r"DirectoryWord::(?:offset|buckets)\(directory_word\)", "View::table, which checks"),
            ("lib/", r"ItemView::at\(\w+(?:\.view)?_?(?:\.view)?, Entry::offset\((?:\w+\.)?word\)\)", "checks offset and length"),
            ("lib/", r"locate\((?:Entry|PartRef|DirectoryWord)::offset\((?:(?:\w+\.)?word|directory_word|ref|entry->load\(kRelaxed\))\)", "checks"),
            ("lib/", r"\.chunk\(Entry::offset\((?:word|entry\.load\(kRelaxed\))\), 8\)", "checks"),
            ("lib/cache/glance.h", r"view\.rest\(Entry::offset\(word\)\)", "checks"),
            ("lib/cache/fetch_ahead.h", r"visit\(Entry::offset\(", "for_each_candidate: its visitors go through rest or locate"),
            ("lib/", r"version_token\(Entry::offset\(match\.word\)", "a number for the caller, never followed"),
            ("lib/", r"(?:Entry|DirectoryWord)::(?:offset|buckets)\(\w+\) (?:==|!=) ", "compared, not followed"),
            ("lib/index/table.h", r"Table table\{view\.table\(word\), DirectoryWord::buckets\(word\), word\};", "none where View::table says so"),
            ("lib/cache/rebuild.cc", r"replace_table\(.*DirectoryWord::buckets\(word\)", "how large a table to ask for; no class is that large: refused"),
            ("lib/cache/items.h", r"const std::size_t bytes = PartRef::bytes\(ref\);", "for_each_part: checked two lines on, by View::chunk"),
            ("lib/cache/items.h", r"const std::uint64_t offset = PartRef::offset\(ref\);", "for_each_part: checked in the next line"),
            ("lib/cache/verify.cc", r"const std::uint64_t offset = Entry::offset\(word\);", "check_entry: goes through locate"),
            ("lib/cache/verify.cc", r"std::to_string\(Entry::offset\(word\)\)|referenced_\.insert\(Entry::offset\(word\)\)", "not followed"),
        ],
    ),
    (
        "a load or a copy of payload",
        r"\bracy_\w+\(",
        [
            ("lib/base/racy_copy.h", r".", "defines them"),
            ("lib/", r"racy_load\((?:\w+\.)*view_?\.base\(\) \+ " + CHUNK + r" \+ kPart\w+At\)", "within any chunk"),
            ("lib/", r"racy_\w+\((?:\w+\.)*view_?\.base\(\) \+ found\.chunk\.offset \+ found\.item\.header\.expiry_at\(\), ", "within a checked item"),
            ("lib/", r"racy_load\((?:part|part_bytes|part\.bytes) \+ kPart\w+At\)", "a part that was checked, or claimed by us"),
            ("lib/cache/items.", r"racy_load\(start(?: \+ header\.extension_at\(\))?\)", "eight bytes that were checked in the line before"),
            ("lib/cache/items.h", r"racy_equal\(bytes \+ key_at, ", "within what at() checked"),
            ("lib/cache/items.h", r"racy_load\(bytes \+ refresher_at\(\)\)", "within ItemHeader::bytes, checked by at()"),
            ("lib/cache/glance.h", r"racy_load\(item\.data\(\)(?: \+ header\.expiry_at\(\))?\)", "16 bytes, and any item has kMinChunkBytes"),
            ("lib/cache/glance.h", r"racy_load\(extension_at\)", "of the first 24 bytes, since a chain has left before"),
            ("lib/cache/glance.h", r"racy_load\(places \+ i / 4 \* 8\)", "before the key, which was checked to end in time"),
            ("lib/cache/glance.h", r"racy_equal\(item\.data\(\) \+ key_at, ", "checked two lines before to end in time, with the value"),
            ("lib/cache/glance.h", r"\[&value\]\(const std::byte\* from, std::size_t bytes\) \{ racy_assign\(value, from, bytes\); \}", "as above"),
            ("lib/cache/reader.cc", r"racy_assign\(value, item\.value_bytes\(\), item\.header\.value_bytes\(\)\)", "as long as ItemView::at has checked"),
            ("lib/cache/erase_items.h", r"racy_copy_out\(key_, item\.bytes \+ item\.header\.key_at\(\), key_bytes_\)", "as long as the header's copy says, which 12 bits bound to sizeof key_"),
            ("lib/cache/namespaces.cc", r"racy_equal\(record\.text(?: \+ name\.size\(\))?, (?:name|release)\.data\(\), (?:name|release)\.size\(\)\)", "the caller's lengths: find compared them with the text's"),
            ("lib/cache/namespaces.cc", r"racy_copy_in\(record\.text(?: \+ name\.size\(\))?, (?:name|release)\.data\(\), (?:name|release)\.size\(\)\)", "the caller's lengths: in() compared them with the text's"),
            ("lib/cache/namespaces.cc", r"racy_copy_out\(text, record\.text, sizeof text\)", "all of it"),
            ("lib/cache/namespaces.cc", r"release_bytes == kept\.size\(\) && racy_equal\(record\.text \+ name_bytes, kept\.data\(\), kept\.size\(\)\)", "both were compared with the text's in the lines before"),
            ("lib/cache/writer_lease.cc", r"racy_store\(engine_\.view\.base\(\) \+ found\.chunk\.offset \+ found\.item\.refresher_at\(\), ", "within a checked item"),
            ("lib/cache/writer_update.cc", r"racy_store\(item \+ found\.item\.header\.(?:extension|expiry)_at\(\)", "within a checked item"),
            ("lib/cache/writer_update.cc", r"racy_copy_out\(words, from\.bytes \+ from\.header\.extension_at\(\), bytes\)", "compared with sizeof words; the draft has the item's extension"),
            ("lib/cache/items.h", r"racy_(?:load|equal)\(bytes \+ header\.(?:key|expiry|chain|extension)_at\(\)", "within ItemHeader::bytes, checked by at()"),
            ("lib/", r"racy_copy_out\(key\.data\(\), item\.bytes \+ item\.header\.key_at\(\), key\.size\(\)\)", "as long as the header's copy says"),
            ("lib/cache/reader.cc", r"racy_copy_out\(value\.data\(\), (?:from, bytes|item\.value_bytes\(\), in_head)\)", "as long as ItemView::at has checked"),
            ("lib/cache/reader.cc", r"racy_copy_out\(value\.data\(\) \+ at, part \+ kPartBytesAt, bytes\)", "compared with what is left of both"),
            ("lib/cache/writer_update.cc", r"racy_copy_out\(text, old\.item\.bytes \+ old\.item\.header\.value_at\(\), bytes\)", "compared with sizeof text"),
            ("lib/cache/writer_", r"racy_(?:store|copy_in)\((?:to|part\.bytes|(?:draft|made|copy)\.head\.bytes)\b", "a chunk that is ours, of a class chosen for it"),
        ],
    ),
]

RULES += [
    (
        "a stripe out of a side word",
        r"\bSideWord::stripe\(",
        [
            ("lib/layout/", r".", "defines it"),
            ("lib/", r"SideWord::stripe\(\w+\) (?:>=|==|!=) ", "compared"),
            ("lib/", r"(?:^|[^=!]=) SideWord::stripe\((\w+)\);\n(?:.*\n)?.*\bstripe >= engine_?\.view\.geometry\(\)\.stripe_count\b", "compared at once"),
            ("lib/", r"KeyId::of\(SideWord::stripe\(\w+\), ", "hashed, not an index"),
            ("lib/cache/rebuild.cc", r"view\.directory\(SideWord::stripe\(side\)\)|replace_table\(engine, me, SideWord::stripe\(side\), ", "drain_some: compared before"),
            ("lib/cache/evictor.cc", r"Table::of\(engine_\.view, SideWord::stripe\(seen\)\)", "compared before: find_entry, change_counter"),
        ],
    ),
    (
        "a worker's slot out of a shared word",
        r"\b(?:SideWord::claimant|LockWord::owner)\(",
        [
            ("lib/layout/", r".", "defines it"),
            ("lib/", r"is_claimant_dead\(SideWord::claimant\(|is_dead\(LockWord::owner\(", "compares it"),
            ("lib/cache/verify.cc", r"known\((?:SideWord::claimant|LockWord::owner)\(", "compares it"),
            ("lib/cache/engine.h", r"LockWord::owner\(me\.word\)", "our own, from private memory"),
        ],
    ),
]

COMMENT = re.compile(r"//.*$")


def violations(root):
    for path in sorted((root / "lib").rglob("*")):
        if path.suffix not in {".h", ".cc"}:
            continue
        name = path.relative_to(root).as_posix()
        lines = path.read_text().splitlines()
        for number, raw in enumerate(lines, 1):
            line = COMMENT.sub("", raw)
            after = "\n" + "\n".join(lines[number : number + 2])  # for forms that a check has to follow
            for what, pattern, allowed in RULES:
                found = re.search(pattern, line)
                if not found or any(name.startswith(where) and re.search(form, line + after) for where, form, _ in allowed):
                    continue
                yield f"{name}:{number}: {what}, in a form that is not known to be safe: {raw.strip()}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    found = list(violations(root))
    for line in found:
        print(line)
    if found:
        print("raw_access: go through View::chunk, View::table, Slabs::locate or ItemView::at; or add the form to raw_access.py, with why it is safe")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
