# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel from exec to the root disk's init, in instructions. Read measure."""

import re
import sys

from common import Section, Table
from emulated import inside, microvm, mvmm, q35

APPEND = "mvmm.action=phases"
# The numbers of <asm/svm.h> and <linux/kvm.h>.
EXITS = {0x60: "interrupt of the host", 0x64: "interrupt window", 0x72: "CPUID", 0x78: "HLT", 0x7b: "port", 0x7c: "MSR", 0x400: "memory"}
USER_EXITS = {2: "port", 6: "memory"}


def parse(lines):
    """{contender: {"lines": [(instructions, text)], event: {value: number}}}"""
    runs, run = {}, None
    for line in lines:
        words = line.split(" ", 2)
        if words[0] == "contender":
            run = runs[line.removeprefix("contender ")] = {"lines": [], "kvm_exit": {}, "kvm_userspace_exit": {}}
        elif words[0] in run:
            run[words[0]][int(words[1])] = int(words[2])
        elif words[0].isdigit():
            # A nanosecond is an instruction; while a processor is idle time passes without any.
            run["lines"].append((int(words[0]) - int(words[1]) * 1000000, words[2]))
        else:
            sys.exit("bench: boot: " + line)
    return runs


def when(run, pattern):
    for instructions, text in run["lines"]:
        if re.search(pattern, text):
            return instructions
    sys.exit(f"bench: boot: no '{pattern}' in:\n" + "\n".join(text for _, text in run["lines"]))


def guest_clock(run, pattern):
    """What the guest's own clock showed at a line of its messages; it does not stop when idle."""
    for _, text in run["lines"]:
        match = re.match(r"\[ *([0-9.]+)\] .*" + pattern, text)
        if match:
            return int(float(match.group(1)) * 1e9)
    sys.exit(f"bench: boot: the guest's messages have no '{pattern}'")


def phases(run):
    """{phase: million instructions}; the guest's clock starts with the kernel."""
    init, mark = when(run, "mvmm-guest: init after"), when(run, "^mvmm-guest: phases")
    kernel = mark - guest_clock(run, "mvmm-guest: phases")
    initramfs = kernel + guest_clock(run, "Run /init")
    if when(run, "^end ") < init:
        sys.exit("bench: boot: the guest's messages are out of order")
    return {
        "until the kernel runs": kernel / 1e6,
        "the kernel": (initramfs - kernel) / 1e6,
        "modules, mount": (init - initramfs) / 1e6,
        "exec to init": init / 1e6,
    }


def add_exits(table, runs, event, names):
    kinds = dict(names)
    for run in runs.values():
        for value in run[event]:
            kinds.setdefault(value, "other")
    for name in dict.fromkeys(kinds.values()):
        values = [value for value in kinds if kinds[value] == name]
        table.add(name, {who: [sum(run[event].get(value, 0) for value in values)] for who, run in runs.items()})
    table.add("all", {who: [sum(run[event].values())] for who, run in runs.items()})


def measure(quick):
    section = Section("boot", "Boot", """
Each monitor boots Debian's stock cloud kernel with the same initramfs and a root disk with the same bytes. Measured is the time from `exec` to
the first line of the root disk's init. The guests run in the emulated host (`scripts/host/emulated-host --icount`), which counts instructions instead of
time: those of the guest, of KVM, of the monitor and of the host's kernel together, without idle time. Runs repeat to about one percent, so there is
one run of each. The phase until the kernel runs has the monitor, the firmware, and the unpacking of the kernel in the guest. Exits are counted until
the guest ends.

mvmm and QEMU q35 have the root disk as virtio-pmem with DAX, QEMU microvm has it as virtio-blk. mvmm has seen this kernel before. microvm runs without
option ROMs, PIT and PIC, once without and once with an RTC. It has no RTC by default, and then this kernel asks the missing clock 20,000 times whether
it is busy. q35 has its default devices.""")
    runs = parse(inside("boots-inside", {
        "0 look": mvmm("disk", "", "--dry-run"),
        "1 mvmm": mvmm("disk", APPEND),
        "2 QEMU microvm": microvm("disk", APPEND, rtc="off"),
        "3 QEMU microvm, rtc=on": microvm("disk", APPEND),
        "4 QEMU q35": q35("disk", APPEND),
    }, "boots"))
    runs = {name[2:]: run for name, run in runs.items()}
    look = runs.pop("look")
    names = tuple(runs)
    table = section.add(Table("Instructions", "millions", names, "phase", digits=0))
    parts = {who: phases(run) for who, run in runs.items()}
    for phase in parts["mvmm"]:
        table.add(phase, {who: [part[phase]] for who, part in parts.items()})
    exits = section.add(Table("Exits to KVM", "number", names, "kind", digits=0, log=True))
    add_exits(exits, runs, "kvm_exit", EXITS)
    exits = section.add(Table("Exits to the monitor", "number", names, "kind", digits=0, log=True))
    add_exits(exits, runs, "kvm_userspace_exit", USER_EXITS)
    section.remark(f"A kernel that mvmm has never seen costs {when(look, '^end 0') / 1e6:.0f} million instructions more, once, because mvmm looks inside the kernel.")
    return section
