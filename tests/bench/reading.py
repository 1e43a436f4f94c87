# SPDX-License-Identifier: Apache-2.0
"""A file read twice in a guest, by two guests from one image: DAX beside virtio-blk. Read measure."""

import re
import sys

from common import Section, Table
from emulated import BIG_KIB, inside, microvm, mvmm

APPEND = "mvmm.action=wait,read-twice,wait"
READ = re.compile(r"read ([0-9]+) KiB in ([0-9]+) us and again in ([0-9]+) us, page cache grew by (-?[0-9]+) KiB")


def parse(lines):
    """{contender: {"used": {when: KiB}, "reads": [(first us, second us, page cache KiB)]}}"""
    runs, run = {}, None
    for line in lines:
        words = line.split()
        match = READ.search(line)
        if line.startswith("contender "):
            run = runs[line.split(" ", 1)[1]] = {"used": {}, "reads": []}
        elif match:
            if int(match[1]) != BIG_KIB:
                sys.exit(f"bench: reading: {match[1]} KiB instead of {BIG_KIB}")
            run["reads"].append(tuple(int(number) for number in match.groups()[1:]))
        elif words and words[0] == "used":
            run["used"][words[1]] = int(words[2])
    for who, run in runs.items():
        if len(run["reads"]) != 2 or len(run["used"]) != 2:
            sys.exit(f"bench: reading: {who}: not two guests that read:\n" + "\n".join(lines[-40:]))
    return runs


def measure(quick):
    section = Section("reading", "Reading a file twice", f"""
Two guests boot from one image, which both only read. Then each guest reads a file of {BIG_KIB >> 10} MiB in it twice, one guest after the other. They run in the
emulated host, as under Boot, so a microsecond is a thousand instructions. mvmm has the image as virtio-pmem with DAX, QEMU microvm as virtio-blk. For
both, the image lies in the host's memory (tmpfs). Host memory is the decrease of available memory since before the guests started. There are no huge
pages, so that only used pages count. A guest may cache the file in pages that it had used for something else before; these do not count again.""")
    runs = parse(inside("reading-inside", {
        "1 mvmm": mvmm("root,readonly=on", APPEND),
        "2 QEMU microvm": microvm("root", APPEND, "ro"),
    }, "reading"))
    runs = {name[2:]: run for name, run in runs.items()}
    names = tuple(runs)
    table = section.add(Table("Guest page cache that the file takes", "MiB", names, "guest", digits=1))
    for guest in (0, 1):
        table.add(("first", "second")[guest], {who: [run["reads"][guest][2] / 1024] for who, run in runs.items()})
    table = section.add(Table("Time to read it", "ms", names, "the first guest", digits=1))
    for i, what in enumerate(("first time", "again")):
        table.add(what, {who: [run["reads"][0][i] / 1000] for who, run in runs.items()})
    table = section.add(Table("Host memory of two guests", "MiB", names, "when", digits=1))
    for when, what in (("booted", "booted"), ("read", "after reading")):
        table.add(what, {who: [run["used"][when] / 1024] for who, run in runs.items()})
    table.add("difference", {who: [(run["used"]["read"] - run["used"]["booted"]) / 1024] for who, run in runs.items()})
    return section
