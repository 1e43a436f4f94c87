# SPDX-License-Identifier: Apache-2.0
"""Bulk output of a guest, by the serial port and by virtio-console. Read measure."""

import statistics

from common import SCRATCH, Section, Table, find, guest_mvmm, guest_qemu, image, interleave, run

MIB = 1 << 20
SERIAL_BYTES = 4096
VIRTIO_BYTES = 4 * MIB
LOG = SCRATCH + "/console.log"


def ms_per_mib(name, bytes_, text):
    return find(rf"bulk {name} {bytes_} bytes (\d+) ns", text) / bytes_ * MIB / 1e6


def output(command, log, ok=(0,)):
    """What it wrote, by way of a file or of a pipe."""
    text = run(command, ok)
    if not log:
        return text
    with open(log) as f:
        return f.read()


def mvmm_serial(disk, log):
    command = guest_mvmm(f"console-bulk serial-bytes={SERIAL_BYTES} virtio-bytes=0", [disk],
                         "--serial", "file=" + log if log else "stdio")
    return ms_per_mib("serial", SERIAL_BYTES, output(command, log))


def mvmm_virtio(disk, log):
    command = guest_mvmm(f"console-bulk serial-bytes=0 virtio-bytes={VIRTIO_BYTES}", [disk], "--serial", f"file={LOG}.tty",
                         "--console", "file=" + log if log else "stdio")
    wrote = len(output(command, log))
    if wrote != VIRTIO_BYTES:
        raise SystemExit(f"bench: {wrote} bytes of {VIRTIO_BYTES} arrived")
    with open(LOG + ".tty") as f:
        return ms_per_mib("virtio", VIRTIO_BYTES, f.read())


def qemu_serial(disk, log):
    command = guest_qemu(f"console-bulk serial-bytes={SERIAL_BYTES} virtio-bytes=0", [disk])
    command[command.index("stdio")] = "file:" + log if log else "stdio"
    return ms_per_mib("serial", SERIAL_BYTES, output(command, log, ok=(1,)))


def times_as_fast(runs):
    ratios = [serial / virtio for virtio, serial in zip(runs["mvmm, hvc0"], runs["mvmm, ttyS0"])]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.0f} times as fast ({low:.0f} to {high:.0f}, at least {min(ratios):.0f})"


def measure(quick):
    section = Section("console", "Console", f"""
The time that a guest needs to write much output, by its own clock. Through virtio-console (hvc0) it writes {VIRTIO_BYTES >> 20} MiB in pieces of
4 KiB, as Linux does. Through the serial port (ttyS0) it writes {SERIAL_BYTES >> 10} KiB byte by byte, and looks before each byte whether there is room.
All of the output is read.""")
    table = section.add(Table("Time for a MiB of output", "ms", ("mvmm, hvc0", "mvmm, ttyS0", "QEMU, ttyS0"), "where to", digits=0, log=True))
    disk = image("console.img", 4 << 20)
    for case, log in (("file on tmpfs", LOG), ("pipe", None)):
        runs = interleave(3 if quick else 5, f"console, {case}", {
            "mvmm, hvc0": lambda: mvmm_virtio(disk, log),
            "mvmm, ttyS0": lambda: mvmm_serial(disk, log),
            "QEMU, ttyS0": lambda: qemu_serial(disk, log),
        })
        table.add(case, runs)
        speed = {name: 1000 / statistics.median(samples) for name, samples in runs.items()}
        section.remark(f"To a {case.split()[0]}, hvc0 takes {speed['mvmm, hvc0']:,.0f} MiB/s and ttyS0 {speed['mvmm, ttyS0'] * 1024:,.0f} KiB/s. "
                       f"Round by round, hvc0 is {times_as_fast(runs)}.")
    return section
