# SPDX-License-Identifier: Apache-2.0
"""A thousand halted guests from one private image. Read measure."""

import hashlib
import os
import subprocess
import time

from common import FIRST_GUEST, MICROVM, MVMM, Section, Table, image, private_kib, progress

VMS = 1000
QEMUS = 100


def memory_kib(pids):
    """PSS of all, guest memory and shared pages included: what the host has less of."""
    return sum(private_kib(pid, lambda size, name: False)[1] for pid in pids)


def crowd(command, count, what):
    """(seconds to start all, KiB per VM, seconds to end all)"""
    processes = []
    begin = time.monotonic()
    try:
        for i in range(count):
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            if i % 20 == 0:
                progress(f"density: {what}, {i + 1} of {count}")
        for process in processes:
            if process.stdout.read(1) != b"1":
                raise SystemExit(f"bench: one of {count} {what}s did not start")
        started = time.monotonic()
        memory = memory_kib([process.pid for process in processes])
        stop = time.monotonic()
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        return started - begin, memory / count, time.monotonic() - stop
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def measure(quick):
    vms, qemus = (100, 20) if quick else (VMS, QEMUS)
    disk = image("density.img", 64 << 20)
    with open(disk, "r+b") as f:
        f.write(os.urandom(1 << 20))
    before = digest(disk)
    section = Section("density", "Density", f"""
Halted guests with 128 MiB of RAM: {vms} of mvmm, and {qemus} of QEMU microvm. mvmm's guests each have a private copy-on-write disk from one image of
64 MiB. QEMU's guests have no disk. Memory is the PSS of the whole process, including the guest's pages.""")
    ours = crowd([MVMM, "--kernel", FIRST_GUEST, "--memory", "128M", "--pmem", f"file={disk},share=off"], vms, "mvmm")
    theirs = crowd([*MICROVM, "-m", "128M", "-serial", "stdio", "-kernel", FIRST_GUEST], qemus, "QEMU")
    if digest(disk) != before:
        raise SystemExit("bench: the image has changed")
    table = section.add(Table("Per VM", "ms or KiB", ("mvmm", "QEMU microvm"), digits=1, log=True))
    table.add("start, ms", {"mvmm": [ours[0] * 1000 / vms], "QEMU microvm": [theirs[0] * 1000 / qemus]})
    table.add("memory, KiB", {"mvmm": [ours[1]], "QEMU microvm": [theirs[1]]})
    table.add("end, ms", {"mvmm": [ours[2] * 1000 / vms], "QEMU microvm": [theirs[2] * 1000 / qemus]})
    section.remark(f"All {vms} VMs together: {ours[0]:.1f} s to start, {ours[1] * vms / 1024:.0f} MiB, {ours[2]:.1f} s to end. "
                   "The image's bytes were the same afterwards.")
    return section
