# SPDX-License-Identifier: Apache-2.0
"""From exec to the guest's first instruction, which writes a byte to the serial port. Read measure."""

from common import BARE_KVM, FIRST_GUEST, MICROVM, MVMM, Section, Table, image, interleave, stopwatch

ROUNDS = 21
GIB = 1 << 30
# RAM, size of the pmem file. The cost must not grow with either.
CASES = [("128M", GIB // 16), ("1G", GIB // 16), ("16G", GIB // 16), ("128M", 16 * GIB)]


def size(n):
    return f"{n >> 30} GiB" if n >= GIB else f"{n >> 20} MiB"


def mvmm(ram, disk):
    return [MVMM, "--kernel", FIRST_GUEST, "--memory", ram, "--pmem", disk]


def microvm(ram):
    return [*MICROVM, "-m", ram, "-serial", "stdio", "-kernel", FIRST_GUEST]


def measure(quick):
    section = Section("start", "Start", """
The time from `exec` to the first guest instruction, which writes a byte to the serial port, and the CPU time used until then. Both monitors run the
same guest. QEMU's microvm does not support pmem, so it has none in any row. It starts a firmware first, and runs without option ROMs, PIT, PIC and RTC.
The bare KVM program (`tests/bench/bare_kvm.c`) makes a VM with one memslot and one vCPU, and runs one instruction.""")
    names = ("mvmm", "QEMU microvm", "bare KVM program")
    wall = section.add(Table("Time to the first guest instruction", "ms", names, "RAM, pmem", log=True))
    cpu = section.add(Table("CPU time by then", "ms", names, "RAM, pmem", log=True))
    for ram, bytes_ in CASES:
        disk = image("start.img", bytes_)
        commands = {"mvmm": mvmm(ram, disk), "QEMU microvm": microvm(ram), "bare KVM program": [BARE_KVM]}
        what = f"{ram.replace('M', ' MiB').replace('G', ' GiB')}, {size(bytes_)}"
        runs = interleave(5 if quick else ROUNDS, f"start {what}", {
            name: (lambda command=command: stopwatch(command)[0]) for name, command in commands.items()})
        wall.add(what, {name: [w for w, _ in samples] for name, samples in runs.items()})
        cpu.add(what, {name: [c for _, c in samples] for name, samples in runs.items()})
    section.remark("A start takes longer with more RAM or pmem because of KVM_SET_USER_MEMORY_REGION (`strace -T` shows it): a KVM without "
                   "two-dimensional paging clears 8 bytes for each page of a memslot, for every program.")
    return section
