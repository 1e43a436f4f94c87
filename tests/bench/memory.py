# SPDX-License-Identifier: Apache-2.0
"""Memory of the process itself, without the guest's RAM and the image's pages. Read measure."""

import subprocess

from common import FIRST_GUEST, MICROVM, Section, Table, end, guest_mvmm, guest_qemu, image, private_kib, progress

RAM = 128 << 20


def wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise SystemExit(f"bench: {process.args[0]} ended before it printed '{text}'")


def sample(command, text, disk):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wait_for(process, text)
    # QEMU's RAM and mvmm's are mappings of their own, of at least their size.
    result = private_kib(process.pid, lambda size, name: name == disk or size >= RAM)
    end(process)
    return result


def measure(quick):
    count = 2000 if quick else 100000
    disk = image("memory.img", 64 << 20)
    section = Section("memory", "Memory", f"""
Private memory (USS) and proportional memory (PSS) of the process, without the guest's RAM and the pages of the image. "Idle" is with a halted
guest; the other case is after {count:,} flushes. QEMU's machine is microvm when idle, and pc with virtio-pmem-pci for the flushes.""")
    flood = f"flood,halt count={count} outstanding=8"
    runs = {
        "idle": {"mvmm": (guest_mvmm("hello,halt", [disk]), "done"),
                 "QEMU": ([*MICROVM, "-m", "128M", "-serial", "stdio", "-kernel", FIRST_GUEST], None)},
        f"after {count:,} flushes": {"mvmm": (guest_mvmm(flood, [disk]), "done"), "QEMU": (guest_qemu(flood, [disk]), "done")},
    }
    uss = section.add(Table("Private memory (USS)", "KiB", ("mvmm", "QEMU"), digits=0, log=True))
    pss = section.add(Table("Proportional memory (PSS)", "KiB", ("mvmm", "QEMU"), digits=0, log=True))
    for case, commands in runs.items():
        cells = {}
        for name, (command, text) in commands.items():
            progress(f"memory: {name} {case}")
            cells[name] = sample(command, text, disk) if text else idle(command)
        uss.add(case, {name: [cell[0]] for name, cell in cells.items()})
        pss.add(case, {name: [cell[1]] for name, cell in cells.items()})
    return section


def idle(command):
    """The first guest prints one byte without a line's end, then halts."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.read(1)
    result = private_kib(process.pid, lambda size, name: size >= RAM)
    end(process)
    return result
