# SPDX-License-Identifier: Apache-2.0
"""How much a device on a file system that takes a second to sync delays another device. Read measure."""

from common import Section, SlowMount, Table, guest_mvmm, guest_qemu, image, interleave, run

SYNC_MS = 1000


def median(output):
    line = next(line for line in output.splitlines() if "flush-latency-ns device=1" in line)
    return int(line.split("median=")[1].split()[0]) / 1000


def measure(quick):
    count = 300 if quick else 1000
    section = Section("isolation", "A slow neighbour", f"""
A VM has two devices. The first lies on a file system whose `fdatasync` takes {SYNC_MS / 1000:.0f} s (FUSE), the second on tmpfs. The table shows the median time of a
flush of the second device, while the first one is idle, and while a flush of the first one is always in flight (`busy=0`).""")
    fast = image("fast.img", 64 << 20)
    table = section.add(Table("Flush of the second device", "us", ("mvmm", "QEMU"), "first device", digits=1))
    with SlowMount(sync_ms=SYNC_MS) as slow:
        for case, tests in (("idle", f"flush device=1 count={count}"), ("flushing", f"flush device=1 busy=0 count={count}")):
            runs = interleave(5, f"a slow neighbour, {case}", {
                "mvmm": lambda: median(run(guest_mvmm(tests, [slow, fast]))),
                "QEMU": lambda: median(run(guest_qemu(tests, [slow, fast]), ok=(1,))),
            })
            table.add(case, runs)
    return section
