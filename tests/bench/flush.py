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
    section.remark(f"On {name} the guest's instructions and the interrupt take {interrupt:.0f} us (mvmm without fdatasync, minus the doorbell alone). "
                   f"The host's doorbell and io_uring plus these take {least:.0f} us. mvmm's flush takes {middle['mvmm'] / least:.2f} times that.")


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
The time of a flush, by the test guest's own clock: from the guest's store over the doorbell, the `fdatasync` and the interrupt to the interrupt
handler. The same guest drives QEMU's virtio-pmem over PCI.

The floors (`tests/bench/sync_floor.c`) are a program on the host, without a VM, that stores to the same file and calls `fdatasync`, directly or by
io_uring, one call after the other. "Doorbell" means that it has the two threads of a VM: one thread writes to an eventfd at the guest's pace and waits as
KVM waits for a halted vCPU, and the other thread serves it by io_uring. In a guest with `share=off` ("without fdatasync") the doorbell and the interrupt
happen, but there is nothing to sync.""")
    places = [(SCRATCH, file_system(SCRATCH)), (DISK_SCRATCH, file_system(DISK_SCRATCH))]
    for directory, name in places:
        measure_latency(section, directory, name, quick)
    table = section.add(Table("Flushes per second (more is better)", "1/s", ("mvmm", "QEMU", "host, by io_uring"),
                              "file system, devices x outstanding", digits=0, log=True))
    for directory, name in places:
        measure_rate(table, directory, name, quick)
    section.remark("QEMU 7.2 has no ioeventfd for virtio-pmem: its vCPU leaves the guest and hands the flush to a thread itself. mvmm's vCPU goes on in the "
                   "guest. The doorbell wakes the event loop, which hands the flush to a thread of io_uring. So mvmm has one exit less, but wakes one more "
                   "thread. That matters on machines where it is expensive to wake a thread on another CPU (here some 25 us, for an interrupt that is sent "
                   "by way of a hypervisor).")
    section.remark("If many flushes are outstanding, mvmm answers all flushes that came before an fdatasync began with that one fdatasync. QEMU and the "
                   "io_uring floor do one fdatasync for each flush.")
    return section
