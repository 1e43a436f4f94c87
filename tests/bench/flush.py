# SPDX-License-Identifier: Apache-2.0
"""Flushes: latency of one at a time, rate with many outstanding, beside QEMU and beside the same without a VM. Read measure."""

import os
import statistics

from common import (DISK_SCRATCH, SCRATCH, SYNC_FLOOR, Curves, Section, Table, find, guest_mvmm, guest_qemu, image, interleave, run)

OUTSTANDING = (1, 8, 64)
DEVICES = (1, 8)


def file_system(directory):
    name = run(["stat", "--file-system", "--format", "%T", directory]).strip()
    return "ext4" if name == "ext2/ext3" else name  # they share a magic number


def latencies(output):
    line = next(line for line in output.splitlines() if "flush-samples-ns" in line)
    return [int(ns) / 1000 for ns in line.split("device=0 ")[1].split()]


def floor(disk, how, outstanding, count):
    lines = run([SYNC_FLOOR, disk, how, str(outstanding), str(count)]).splitlines()
    return [int(ns) / 1000 for ns in lines[0].split()[1:]], float(lines[1].split()[1])


def measure_latency(section, directory, name, quick):
    count = 200 if quick else 1000
    disk = image("latency.img", 64 << 20, directory)
    tests = f"flush count={count} samples=1"
    runs = interleave(3 if quick else 5, f"flush latency on {name}", {
        "mvmm": lambda: latencies(run(guest_mvmm(tests, [disk]))),
        "QEMU": lambda: latencies(run(guest_qemu(tests, [disk]), ok=(1,))),
        "mvmm, without fdatasync": lambda: latencies(run(guest_mvmm(tests, [disk + ",share=off"]))),
        "host, doorbell and io_uring": lambda: floor(disk, "doorbell", 1, count)[0],
        "host, doorbell alone": lambda: floor(disk, "bare-doorbell", 1, count)[0],
        "host, io_uring alone": lambda: floor(disk, "uring", 1, count)[0],
        "host, fdatasync alone": lambda: floor(disk, "direct", 1, count)[0],
    })
    all_runs = {who: sum(samples, []) for who, samples in runs.items()}
    section.add(Curves(f"One flush at a time, on {name}", "us", all_runs))
    os.unlink(disk)
    middle = {who: statistics.median(samples) for who, samples in all_runs.items()}
    interrupt = middle["mvmm, without fdatasync"] - middle["host, doorbell alone"]
    least = middle["host, doorbell and io_uring"] + interrupt
    section.remark(f"On {name} the guest's instructions and the interrupt take {interrupt:.0f} us (mvmm without fdatasync, less the doorbell alone). "
                   f"With them the host's doorbell and io_uring take {least:.0f} us, and mvmm's flush {middle['mvmm'] / least:.2f} times that.")


def rate(output):
    return find(r"flood-rate ([0-9]+)", output)


def measure_rate(table, directory, name, quick):
    for devices in DEVICES:
        disks = [image(f"rate{i}.img", 64 << 20, directory) for i in range(devices)]
        for outstanding in OUTSTANDING:
            count = (512 if quick else 2048) * (1 if outstanding == 1 else 2)
            tests = f"flood count={count} outstanding={outstanding}"
            contenders = {
                "mvmm": lambda: rate(run(guest_mvmm(tests, disks))),
                "QEMU": lambda: rate(run(guest_qemu(tests, disks), ok=(1,))),
            }
            if devices == 1:
                contenders["host, by io_uring"] = lambda: floor(disks[0], "uring", outstanding, count)[1]
            runs = interleave(3, f"flush rate on {name}", contenders)
            table.add(f"{name}, {devices} x {outstanding}", runs)
        for disk in disks:
            os.unlink(disk)


def measure(quick):
    section = Section("flush", "Flush", """
From the guest's store over the doorbell, the `fdatasync` and the interrupt to the handler, by the test guest's own clock. The same guest
drives QEMU's virtio-pmem over PCI. The floors are a host program that stores to the same file and calls `fdatasync`, directly or by io_uring, one after the other, or with the two
threads of a VM: one rings an eventfd, at the guest's pace, and waits as KVM waits for a halted vCPU, the other one serves it by io_uring
(`tests/bench/sync_floor.c`). A guest with `share=off` rings and is interrupted, but there is nothing to sync.""")
    places = [(SCRATCH, file_system(SCRATCH)), (DISK_SCRATCH, file_system(DISK_SCRATCH))]
    for directory, name in places:
        measure_latency(section, directory, name, quick)
    table = section.add(Table("Flushes per second (more is better)", "1/s", ("mvmm", "QEMU", "host, by io_uring"),
                              "file system, devices x outstanding", digits=0, log=True))
    for directory, name in places:
        measure_rate(table, directory, name, quick)
    section.remark("QEMU 7.2 gives virtio-pmem no ioeventfd: its vCPU leaves the guest and hands the flush to a thread itself, where mvmm's goes on in the "
                   "guest while the event loop is woken, which hands it to io_uring's thread. That is one thread woken more, on machines where waking one "
                   "on another CPU is dear (here some 25 us, an interrupt sent by way of a hypervisor), and an exit less.")
    section.remark("Where many are outstanding, mvmm answers all that came before an fdatasync began by that one; QEMU and the io_uring "
                   "floor do one for each.")
    return section
